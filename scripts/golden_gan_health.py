#!/usr/bin/env python3
"""Makes tests/golden/data/gan_health.json: spectral norm as PyTorch has it; KID, precision, recall and nearest
neighbours by their definitions, in plain NumPy.

With u and v of golden_formula: the kernel [3, 3, 4, 6] is 2 u(1, .) - 1, the first estimate 2 u(2, .) - 1, the
cotangent of the normalised kernel 2 u(3, .) - 1. Real features are [40, 6] of u(4, .), generated ones [30, 6]
of 0.3 + 0.8 u(5, .). Subset k of 3 holds the real pictures (7 k + 3 i) mod 40, the generated (11 k + i) mod 30,
i = 0 … 19.

    spectral    [{sigma, u, gradient}] of three steps in a row, the kernel unchanged
    mmd2        of all pictures, unbiased, kernel (x·y / 6 + 1)³
    kid         [mean, standard deviation] of mmd2 over the subsets
    precision, recall     with k = 1, 2, 3 neighbours
    nearest, distance, median_generated, median_real, copied
"""

import numpy as np
import torch

import golden_formula as formula
from golden_formula import u


def spectral_steps():
    values = (2 * u(1, 216) - 1).reshape(3, 3, 4, 6)
    conv = torch.nn.utils.spectral_norm(torch.nn.Conv2d(4, 6, 3, bias=False).double())
    with torch.no_grad():
        conv.weight_orig.copy_(torch.tensor(values.transpose(3, 2, 0, 1)))
        first = torch.tensor(2 * u(2, 6) - 1)
        conv.weight_u.copy_(first)
    cotangent = torch.tensor((2 * u(3, 216) - 1).reshape(3, 3, 4, 6).transpose(3, 2, 0, 1))
    steps = []
    for _ in range(3):
        conv(torch.zeros(1, 4, 3, 3, dtype=torch.float64))  # the hook sets weight, one iteration a call
        (gradient,) = torch.autograd.grad((conv.weight * cotangent).sum(), conv.weight_orig)
        ratio = conv.weight_orig.detach() / conv.weight.detach()
        steps.append(
            {
                "sigma": formula.round_to(ratio.flatten()[0].item(), 14),
                "u": [formula.round_to(x, 14) for x in conv.weight_u.numpy()],
                "gradient": formula.pick(gradient.numpy().transpose(2, 3, 1, 0), 24, 13),
            }
        )
    return steps


def kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def mmd2(x, y):
    m, n = len(x), len(y)
    kxx, kyy = kernel(x, x), kernel(y, y)
    within = (kxx.sum() - np.trace(kxx)) / (m * (m - 1)) + (kyy.sum() - np.trace(kyy)) / (n * (n - 1))
    return within - 2 * kernel(x, y).mean()


def distances(x, y):
    return np.sqrt(((x[:, None] - y[None]) ** 2).sum(-1))


def radii(x, k):
    return np.sort(distances(x, x), axis=1)[:, k]  # the nearest of all is the picture itself


def main():
    check = formula.arguments(__doc__.splitlines()[0]).parse_args().check
    real, made = u(4, 240).reshape(40, 6), 0.3 + 0.8 * u(5, 180).reshape(30, 6)
    kids = [
        mmd2(real[[(7 * k + 3 * i) % 40 for i in range(20)]], made[[(11 * k + i) % 30 for i in range(20)]])
        for k in range(3)
    ]
    between = distances(real, made)
    nearest, apart = between.argmin(0), radii(real, 1)
    distance = between.min(0)
    content = {
        "framework": f"torch {torch.__version__}, numpy {np.__version__}",
        "spectral": spectral_steps(),
        "mmd2": formula.round_to(mmd2(real, made), 14),
        "kid": [formula.round_to(np.mean(kids), 14), formula.round_to(np.std(kids), 14)],
        "precision": [float((between <= radii(real, k)[:, None]).any(0).mean()) for k in (1, 2, 3)],
        "recall": [float((between <= radii(made, k)[None]).any(1).mean()) for k in (1, 2, 3)],
        "nearest": nearest.tolist(),
        "distance": [formula.round_to(d, 14) for d in distance],
        "median_generated": formula.round_to(np.median(distance), 14),
        "median_real": formula.round_to(np.median(apart), 14),
        "copied": float((distance < apart[nearest]).mean()),
    }
    formula.save("gan_health", content, check)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes tests/golden/data/gan.json: ten adversarial steps of the notebook's DCGAN at 32 x 32, batch 4.

Behaviour B runs in Keras (float64, and float32 for the scatter), with the discriminator's `trainable` set
around its updates and dropout 0. Behaviour A, TensorFlow 1's, cannot be run any more: it is computed by the
plain equations of this script, in PyTorch's float64, which first must give Keras' numbers for B.

Weights are golden_keras' formula with gain 2; the generator's parameters have the keys 0 …, the
discriminator's 100 …. Picture i of 8 is golden_formula's image n = i, over 255. Step s, sample r:
    index  floor(8 u(2000000, 4 s + r))     noise k = 0, 1, 2  2 u(1000000 + 3 s + k, 100 r + c) - 1
    labels real 1 - 0.05 u(3000000, r), fake 0.05 u(3000001, r), the same in all steps

    parameters     {network: [[name, kind, fan_in], ...]} in Keras' order
    runs           [{norms: A | B, losses: [[real, fake, generator 1, generator 2] of each step],
                     generator, discriminator: [[l2, [4 values]], ...]: each parameter's change in ten steps,
                     f32_losses: largest difference of any loss in float32, up to each step,
                     f32_generator, f32_discriminator: relative l2 distances of the changes in float32}]
The steps are chaotic: one run in float32 may come out several times nearer than another. What float32 differs
is the most of WAYS runs, whose weights are rounded up or down another way each.
"""

import golden_keras  # noqa: F401  sets TensorFlow's environment first
import keras
import numpy as np
import tensorflow as tf
import torch
from torch.nn import functional

import golden_formula as formula
from golden_formula import u

SIZE, BATCH, STEPS, PICTURES, GAIN, RATE, WAYS = 32, 4, 10, 8, 2.0, 2e-4, 8
SIDE = SIZE // 16


def networks(size=SIZE, dropout=0.0):
    """(generator, discriminator) in Keras; the discriminator gives logits."""
    side = size // 16
    layers = keras.layers
    keras.backend.clear_session()
    g = keras.Sequential([keras.Input((100,))], name="generator")
    g.add(layers.Dense(side * side * 128, activation="relu"))
    g.add(layers.Reshape((side, side, 128)))
    for _ in range(4):
        g.add(layers.UpSampling2D())
        g.add(layers.Conv2D(128, 3, padding="same"))
        g.add(layers.BatchNormalization(momentum=0.8))
        g.add(layers.Activation("relu"))
    g.add(layers.Conv2D(3, 3, padding="same"))
    g.add(layers.Activation("sigmoid"))
    keras.backend.clear_session()
    d = keras.Sequential([keras.Input((size, size, 3))], name="discriminator")
    for channels in (32, 64, 128, 256):
        d.add(layers.Conv2D(channels, 3, strides=2, padding="same"))
        if channels > 32:
            d.add(layers.BatchNormalization(momentum=0.8))
        d.add(layers.LeakyReLU(negative_slope=0.2))
        if dropout > 0:
            d.add(layers.Dropout(dropout))
    d.add(layers.Flatten())
    d.add(layers.Dense(1))
    return g, d


def names(network):
    return [f"{layer.name}.{variable.name}" for layer in network.layers for variable in layer.weights]


def start_values(network, key):
    rows = zip(names(network), network.weights)
    return [golden_keras.formula_weight(key + k, name, v.shape, GAIN) for k, (name, v) in enumerate(rows)]


def feed(step):
    """Real pictures, the three noises and both labels of a step, in float64."""
    pictures = formula.images(PICTURES, SIZE) / 255
    at = np.floor(PICTURES * u(2000000, BATCH * STEPS)[BATCH * step :][:BATCH]).astype(int)
    noise = [2 * u(1000000 + 3 * step + k, BATCH * 100).reshape(BATCH, 100) - 1 for k in range(3)]
    valid = 1 - 0.05 * u(3000000, BATCH).reshape(BATCH, 1)
    fake = 0.05 * u(3000001, BATCH).reshape(BATCH, 1)
    return pictures[at], noise, valid, fake


def updater(g, d):
    """update(network, call, target): one step of Adam on the cross-entropy of call()'s logits; gives the loss."""
    optimizers = {network: keras.optimizers.Adam(RATE, beta_1=0.5) for network in (g, d)}
    for network, optimizer in optimizers.items():
        optimizer.build(network.trainable_variables)

    def update(network, call, target):
        d.trainable = network is d
        with tf.GradientTape() as tape:
            loss = keras.ops.mean(keras.losses.binary_crossentropy(target, call(), from_logits=True))
        variables = [v.value for v in network.trainable_variables]
        optimizers[network].apply(tape.gradient(loss, variables), network.trainable_variables)
        return loss

    return update


def run_keras(dtype):
    keras.config.set_floatx(dtype)
    g, d = networks()
    for network, key in ((g, 0), (d, 100)):
        network.set_weights(start_values(network, key))
    apply = updater(g, d)

    def update(*what):
        return float(apply(*what))

    losses = []
    for step in range(STEPS):
        real, noise, valid, fake = (tf.constant(x, dtype) for x in feed(step))
        made = g(noise[0], training=False)
        row = [update(d, lambda: d(real, training=True), valid), update(d, lambda: d(made, training=True), fake)]
        row += [update(g, lambda: d(g(z, training=True), training=True), valid) for z in (noise[1], noise[2])]
        losses.append(row)
    return losses, [[np.asarray(w, np.float64) for w in network.get_weights()] for network in (g, d)]


class Plain:
    """The same steps by their equations, in PyTorch; `averages`: behaviour B, else A."""

    def __init__(self, starts, averages, slope=0.2, dtype=torch.float64):
        self.averages, self.slope, self.dtype, self.steps = averages, slope, dtype, [0, 0]
        self.w = [[torch.tensor(np.asarray(v), dtype=dtype) for v in values] for values in starts]
        self.m = [[torch.zeros_like(v) for v in values] for values in self.w]
        self.v = [[torch.zeros_like(v) for v in values] for values in self.w]

    def norm(self, x, gamma, beta, mean, variance, batch, moves):
        if batch:
            mu, s2 = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            if moves:
                with torch.no_grad():
                    mean.mul_(0.8).add_(mu, alpha=0.2)
                    variance.mul_(0.8).add_(s2, alpha=0.2)
        else:
            mu, s2 = mean, variance
        shape = (1, -1, 1, 1)
        x = (x - mu.view(shape)) / torch.sqrt(s2.view(shape) + 1e-3)
        return x * gamma.view(shape) + beta.view(shape)

    def generate(self, z, training):
        w = self.w[0]
        x = functional.relu(z @ w[0] + w[1]).view(-1, SIDE, SIDE, 128).permute(0, 3, 1, 2)
        for i in range(4):
            kernel, bias, *norm = w[2 + 6 * i : 8 + 6 * i]
            x = functional.interpolate(x, scale_factor=2)
            x = functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1)
            x = functional.relu(self.norm(x, *norm, training, training))
        return torch.sigmoid(functional.conv2d(x, w[26].permute(3, 2, 0, 1), w[27], padding=1))

    def judge(self, x, own):
        w, at = self.w[1], 0
        for i in range(4):
            kernel, bias = w[at : at + 2]
            at += 2
            x = functional.conv2d(functional.pad(x, (0, 1, 0, 1)), kernel.permute(3, 2, 0, 1), bias, stride=2)
            if i > 0:
                x = self.norm(x, *w[at : at + 4], own or not self.averages, own and self.averages)
                at += 4
            x = functional.leaky_relu(x, self.slope)
        return x.permute(0, 2, 3, 1).flatten(1) @ w[at] + w[at + 1]

    def update(self, network, call, target):
        values = self.w[network]
        for v in values:
            v.requires_grad_(True).grad = None
        loss = functional.binary_cross_entropy_with_logits(call(), torch.tensor(target, dtype=self.dtype))
        gradients = torch.autograd.grad(loss, values, allow_unused=True)
        for v in values:
            v.requires_grad_(False)
        self.steps[network] += 1
        t = self.steps[network]
        rate = RATE * np.sqrt(1 - 0.999**t) / (1 - 0.5**t)
        rows = zip(values, gradients, self.m[network], self.v[network], self.trained[network])
        for w, g, m, v, trained in rows:
            if trained:
                m += (g - m) * 0.5
                v += (g * g - v) * 0.001
                w -= rate * m / (v.sqrt() + 1e-7)
        return float(loss.detach())

    def run(self, trained):
        self.trained, losses = trained, []
        for step in range(STEPS):
            real, noise, valid, fake = feed(step)
            z = [torch.tensor(n, dtype=self.dtype) for n in noise]
            with torch.no_grad():
                made = self.generate(z[0], False)
            own = lambda x: lambda: self.judge(x, True)
            row = [self.update(1, own(torch.tensor(real, dtype=self.dtype).permute(0, 3, 1, 2)), valid)]
            row.append(self.update(1, own(made), fake))
            for n in z[1:]:
                row.append(self.update(0, lambda: self.judge(self.generate(n, True), False), valid))
            losses.append(row)
        return losses, [[np.asarray(v, np.float64) for v in values] for values in self.w]


def nudged(starts, way):
    """The weights in float32, half of them one unit in the last place up; none in way 0."""

    def nudge(value, key):
        value = np.float32(value)
        up = u(key, value.size).reshape(value.shape) < (0.5 if way else 0)
        return np.where(up, np.nextafter(value, np.float32(np.inf)), value)

    return [[nudge(v, 4000000 + 1000 * way + 100 * n + k) for k, v in enumerate(values)] for n, values in enumerate(starts)]


def changes(starts, ends):
    return [[e - np.asarray(s, np.float64) for s, e in zip(*pair)] for pair in zip(starts, ends)]


def run(norms, exact, narrow, starts):
    """The record of a run, with how far f32 takes it: the further the more steps are behind it."""
    far = np.max([np.abs(np.array(losses) - exact[0]).max(1) for losses, _ in narrow], 0)
    record = {
        "norms": norms,
        "losses": [[formula.round_to(x, 14) for x in row] for row in exact[0]],
        "f32_losses": [formula.round_to(x, 3) for x in np.maximum.accumulate(far)],
    }
    moved, others = changes(starts, exact[1]), [changes(starts, ends) for _, ends in narrow]
    for k, label in enumerate(("generator", "discriminator")):
        record[label] = [[formula.round_to(np.linalg.norm(v), 12), formula.pick(v, 4, 12)] for v in moved[k]]
        distance = lambda i: max(np.linalg.norm(o[k][i] - moved[k][i]) for o in others)
        errors = [distance(i) / max(np.linalg.norm(v), 1e-30) for i, v in enumerate(moved[k])]
        record[f"f32_{label}"] = [formula.round_to(e, 3) for e in errors]
    return record


def main():
    check = formula.arguments(__doc__.splitlines()[0]).parse_args().check
    formula.exact_doubles(tf)
    exact, narrow = run_keras("float64"), run_keras("float32")
    nets = networks()
    starts = [start_values(network, key) for network, key in zip(nets, (0, 100))]
    trained = [[not name.split(".")[1].startswith("moving") for name in names(n)] for n in nets]
    check_plain = Plain(starts, averages=True, slope=float(np.float32(0.2))).run(trained)  # as TensorFlow has it
    worst = np.abs(np.array(check_plain[0]) - exact[0]).max()
    assert worst < 1e-10, f"the equations' losses differ from Keras' by {worst}"
    ours, theirs = (changes(starts, ends) for ends in (check_plain[1], exact[1]))
    for a, b in zip(sum(ours, []), sum(theirs, [])):
        assert np.linalg.norm(a - b) < 1e-6 * np.linalg.norm(b) + 1e-9, "the equations move parameters elsewhere"
    parameters = {
        label: [[n, *golden_keras.formula_kind(n, v.shape)] for n, v in zip(names(net), net.weights)]
        for label, net in zip(("generator", "discriminator"), nets)
    }
    plain = lambda norms, values, dtype: Plain(values, norms == "B", dtype=dtype).run(trained)
    narrows = lambda norms: [plain(norms, nudged(starts, way), torch.float32) for way in range(WAYS)]
    runs = [
        run("A", plain("A", starts, torch.float64), narrows("A"), starts),
        run("B", exact, [narrow, *narrows("B")], starts),
    ]
    content = {
        "framework": f"keras {keras.__version__}, torch {torch.__version__}",
        "size": SIZE,
        "batch": BATCH,
        "pictures": PICTURES,
        "gain": GAIN,
        "rate": RATE,
        "parameters": parameters,
        "runs": runs,
    }
    formula.save("gan", content, check)


if __name__ == "__main__":
    main()

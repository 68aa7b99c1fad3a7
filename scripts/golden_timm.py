"""Makes tests/golden/data/timm.json: logits that timm gives in f64 with formula weights under its own names and
axes, and position embeddings that vit-keras itself resized.

Tensor k of the sorted names (counters left out) is u(k, i) of golden_formula.py: running variances and weights
of one axis 0.5 + u; weights of two or four axes (2u - 1) * sqrt(6 / fan in); all else 0.2u - 0.1.

    golden_timm.py      wants timm, keras, vit-keras 0.2.0 (pip install --no-deps vit-keras validators)
"""

import json
import sys
import warnings
from importlib import metadata

sys.modules["triton"] = None  # its LLVM and TensorFlow's do not live in one process

import golden_formula as formula
import numpy as np
import timm
import torch
from vit_keras.utils import apply_embedding_weights

# Xception: of 71 pixels every pooled map has an odd side, where timm's padding is Keras'.
NETWORKS = (
    ("efficientnetb0", "tf_efficientnet_b0", 64, {}),
    ("densenet121", "densenet121", 64, {}),
    ("xception", "legacy_xception", 71, {}),
    ("vit_s16", "vit_small_patch16_224", 64, {"img_size": 64}),
)
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
GRIDS = ((3, 5), (4, 2), (5, 1), (24, 14))


def weights(key, name, shape):
    u = formula.u(key, int(np.prod(shape))).reshape(shape)
    if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
        return 0.5 + u
    if name.endswith("weight"):
        return (2 * u - 1) * np.sqrt(6 / np.prod(shape[1:]))
    return 0.2 * u - 0.1


def logits(ours, theirs, size, how):
    network = timm.create_model(theirs, num_classes=3, **how).double().eval()
    state = network.state_dict()
    for key, name in enumerate(sorted(n for n in state if not n.endswith("num_batches_tracked"))):
        values = weights(key, name, tuple(state[name].shape))
        state[name].copy_(torch.from_numpy(values.astype(np.float32)))
    pixels = formula.images(2, size)
    if ours.startswith("efficientnet"):
        pixels = (pixels / 255 - MEAN) / DEVIATION
    with torch.no_grad():
        return network(torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))).numpy()


class Layer:
    def __init__(self, shape):
        self.weights = [np.zeros(shape)]

    def set_weights(self, values):
        self.result = values[0]


def resized(there, here):
    layer = Layer((1, 1 + here * here, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = formula.tensor(5, (1, 1 + there * there, 2)).astype(np.float32)
        apply_embedding_weights(layer, source, here, here)
    return layer.result


def main():
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("timm", "torch", "vit-keras"))
    golden = {"framework": f"{versions}, float64"}
    golden["networks"] = [
        {"model": ours, "theirs": theirs, "size": size, "logits": logits(ours, theirs, size, how).ravel().tolist()}
        for ours, theirs, size, how in NETWORKS
    ]
    golden["positions"] = [
        {"from": there, "to": here, "values": [formula.round_to(v, 9) for v in resized(there, here).ravel()]}
        for there, here in GRIDS
    ]
    path = formula.DATA / "timm.json"
    path.write_text(json.dumps(golden, separators=(",", ":")).replace('{"', '\n{"') + "\n")
    for network in golden["networks"]:
        print(network)


if __name__ == "__main__":
    main()

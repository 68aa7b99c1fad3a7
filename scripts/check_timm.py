"""Holds `sonograd predict` against timm and torchvision on the same safetensors and pictures, both ways.

    check_timm.py --sonograd build/release/apps/sonograd [MODEL...]

Each network gets random weights and batch-norm statistics far from 0 and 1. Its logits in f64 are compared, less
their mean, with the logarithms of our probabilities in f32. Then the file goes into our names and back, and
is loaded with load_state_dict(strict=True); a head of 1000 classes must be left out.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import timm
import torch
import torchvision

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
# ours, theirs, module, image size. Xception's max pooling pads evenly in timm, which is Keras' rule for maps
# of odd size alone: those of 263 pixels are all odd.
NETWORKS = (
    ("efficientnetb0", "tf_efficientnet_b0", timm, 224),
    ("efficientnetb3", "tf_efficientnet_b3", timm, 224),
    ("densenet169", "densenet169", timm, 224),
    ("densenet169", "densenet169", torchvision, 224),
    ("xception", "legacy_xception", timm, 263),
    ("vit_b16", "vit_base_patch16_224", timm, 224),
    ("vit_b32", "vit_base_patch32_224", timm, 224),
    ("vit_b16", "vit_b_16", torchvision, 224),
)


def make(name, module):
    if module is timm:
        return timm.create_model(name, num_classes=3).double().eval()
    return getattr(torchvision.models, name)(num_classes=3).double().eval()


def randomise(network):
    for key, value in network.state_dict().items():
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif key.endswith("running_mean") or (value.ndim == 1 and key.endswith("bias")):
            value.normal_(0, 0.1)
        elif value.ndim == 1:
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point():
            value.normal_(0, np.sqrt(1.5 / max(1, value[0].numel())) if value.ndim != 3 else 0.1)
    for key, value in network.state_dict().items():  # what a file in f32 holds
        if value.is_floating_point():
            value.copy_(value.float().double())


def logits_of(network, pixels, scaled):
    x = (pixels / 255 - MEAN) / DEVIATION if scaled else pixels
    with torch.no_grad():
        return network(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))).numpy()


def run(sonograd, *arguments):
    done = subprocess.run([sonograd, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def pictures(folder, size):
    rng = np.random.default_rng(7)
    for i in range(4):
        rough = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        cv2.imwrite(f"{folder}/{i}.png", cv2.resize(rough, (size, size), interpolation=cv2.INTER_CUBIC))
    paths = sorted(Path(folder).glob("*.png"))
    return paths, np.stack([cv2.imread(str(p))[:, :, ::-1] for p in paths]).astype(np.float64)


def check(sonograd, ours, name, module, size):
    torch.manual_seed(3)
    network = make(name, module)
    randomise(network)
    head = [m for m in network.modules() if isinstance(m, torch.nn.Linear)][-1]
    scaled = ours.startswith("efficientnet")
    with tempfile.TemporaryDirectory() as folder:
        paths, pixels = pictures(folder, size)
        spread = logits_of(network, pixels, scaled)
        with torch.no_grad():  # probabilities that keep their digits
            head.weight.mul_(2 / np.abs(spread).max()).copy_(head.weight.float().double())
        theirs = logits_of(network, pixels, scaled)
        file = f"{folder}/theirs.safetensors"
        tensors = {
            k: v.float().contiguous() if v.is_floating_point() else v for k, v in network.state_dict().items()
        }
        safetensors.torch.save_file(tensors, file)
        said = run(sonograd, "predict", "--model", ours, "--weights", file, "--image-size", size, "--json", *paths)
        logs = np.log([row["probabilities"] for row in json.loads(said)["predictions"]])
        centred = [x - x.mean(axis=1, keepdims=True) for x in (theirs, logs)]
        error = np.abs(centred[0] - centred[1]).max() / np.abs(centred[0]).max()

        run(sonograd, "weights", "convert", file, f"{folder}/ours.safetensors", "--model", ours)
        run(sonograd, "weights", "convert", f"{folder}/ours.safetensors", f"{folder}/back.safetensors", "--names", module.__name__)
        back = safetensors.torch.load_file(f"{folder}/back.safetensors")
        make(name, module).load_state_dict(back, strict=True)
        moved = max(float((value - tensors[key]).abs().max()) for key, value in back.items())

        for key, value in list(tensors.items()):
            if value.shape[:1] == (3,) and value.data_ptr() in {tensors[k].data_ptr() for k in list(tensors)[-2:]}:
                tensors[key] = torch.zeros((1000, *value.shape[1:]))
        safetensors.torch.save_file(tensors, f"{folder}/1000.safetensors")
        report = json.loads(
            run(sonograd, "weights", "convert", f"{folder}/1000.safetensors", f"{folder}/base.safetensors", "--partial", "--json", "--model", ours)
        )
        assert len(report["left_out"]) == len(report["missing"]) == 2, report
        assert not report["unused"] and not report["mismatched"], report
    print(
        f"{ours:15} {module.__name__:12} {name:24} {size:4}  logits {error:.1e}  there and back {moved:.1e}"
        f"  mapped {report['mapped']}, transposed {report['transposed']}",
        flush=True,
    )
    return error < 2e-5 and moved < 2e-7


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*")
    parser.add_argument("--sonograd", default="build/release/apps/sonograd")
    options = parser.parse_args()
    print(f"timm {timm.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}")
    good = [
        check(options.sonograd, *network)
        for network in NETWORKS
        if not options.models or network[0] in options.models
    ]
    raise SystemExit(0 if good and all(good) else "some are further apart than 2e-5")


if __name__ == "__main__":
    main()

"""Makes tests/golden/data/names.json: what the tensors of each model are called in the files of Keras, timm and
torchvision, as SHA-256 of the names, a line each. models/names/ must give the same.

Keras' names come from the files that Keras itself writes, by content: every weight holds its own index when
the files are saved; they are in the model's order. PyTorch's are the state dict's, sorted.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path

sys.modules["triton"] = None  # its LLVM and TensorFlow's do not live in one process

import h5py
import keras
import numpy as np
import timm
import torch
import torchvision

import golden_keras as zoo

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden" / "data" / "names.json"
TIMM = {f"efficientnetb{i}": f"tf_efficientnet_b{i}" for i in range(8)}
TIMM |= {f"densenet{i}": f"densenet{i}" for i in (121, 169, 201)}
TIMM |= {"xception": "legacy_xception", "vit_s16": "vit_small_patch16_224"}
TIMM |= {"vit_b16": "vit_base_patch16_224", "vit_b32": "vit_base_patch32_224"}
TORCHVISION = {f"densenet{i}": f"densenet{i}" for i in (121, 169, 201)}
TORCHVISION |= {"vit_b16": "vit_b_16", "vit_b32": "vit_b_32"}


def datasets(path):
    """{index: path of the dataset} of a file in which every tensor is filled with its index."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({int(np.ravel(item)[0]): name})
                if isinstance(item, h5py.Dataset) and "seed_generator" not in name
                else None
            )
        )
    return found


def keras2(name, model_name):
    """The published files were written by Keras 2, whose layers were named with slashes here and there."""
    if model_name.startswith("densenet"):
        return re.sub(r"^conv1_", "conv1/", name)
    name = re.sub(r"MlpBlock_3/Transformer_encoderblock_\d+_", "", name)
    return name.replace("Transformer_", "Transformer/")


def keras_names(model_name, folder):
    model = zoo.make_model(model_name, 96)
    tensors = list(zoo.tensors(model))
    for index, (_, _, variable) in enumerate(tensors):
        variable.assign(np.full(variable.shape, index, variable.dtype))
    model.save_weights(folder / "a.weights.h5")
    keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(
        h5py.File(folder / "b.h5", "w"), model
    )
    paths, legacy = datasets(folder / "a.weights.h5"), datasets(folder / "b.h5")
    assert len(paths) == len(tensors) and len(legacy) == len(tensors)
    keras3, legacy_rows = [], []
    for index, (layer, _, _) in enumerate(tensors):
        group, _, weight = legacy[index].partition("/")
        group, weight = keras2(group, model_name), keras2(weight, model_name)
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            weight = weight.removesuffix("kernel") + "depthwise_kernel"
        keras3.append("/" + paths[index])
        legacy_rows.append(f"{group} {weight}:0")
    return {"keras3": keras3, "legacy": legacy_rows}


def torch_names(make):
    with torch.device("meta"):
        return sorted(name for name in make().state_dict() if not name.endswith("num_batches_tracked"))


def names(model):
    with tempfile.TemporaryDirectory() as folder:
        result = keras_names(model, Path(folder))
    if model in TIMM:
        result["timm"] = torch_names(lambda: timm.create_model(TIMM[model]))
    if model in TORCHVISION:
        result["torchvision"] = torch_names(getattr(torchvision.models, TORCHVISION[model]))
    return result


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    golden = {"versions": {m.__name__: m.__version__ for m in (keras, timm, torchvision)}, "models": {}}
    for model in zoo.MODELS:
        golden["models"][model] = {
            dialect: hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
            for dialect, lines in names(model).items()
        }
        print(model, *golden["models"][model])
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Makes models/names/<model>.txt: what each tensor is called in Keras' weight files, in Keras' order.

Everything is read from the files that Keras itself writes for the model, by content: every weight holds its
own index when the files are saved.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import h5py
import keras
import numpy as np

import golden_keras as zoo

MODELS = (
    *("efficientnetb0", "efficientnetb3", "aeganb3", "aeganb3_noattention"),
    *("densenet169", "xception", "vit_b16", "vit_b32"),
)


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


def shape_kind(name, shape):
    kinds = {
        "depthwise_kernel": "depthwise",
        "pointwise_kernel": "conv",
        "cls": "token",
        "pos_embedding": "positions",
        "kernel": {2: "dense", 3: "attention", 4: "conv"}.get(len(shape)),
    }
    return kinds.get(name.rsplit(".", 1)[1]) or (
        "vector" if len(shape) == 1 else "heads" if len(shape) else "scalar"
    )


def keras2(name, model_name):
    """The published files were written by Keras 2, whose layers were named with slashes here and there."""
    if model_name.startswith("densenet"):
        return re.sub(r"^conv1_", "conv1/", name)
    name = re.sub(r"MlpBlock_3/Transformer_encoderblock_\d+_", "", name)
    return name.replace("Transformer_", "Transformer/")


def rows(model_name, folder):
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
    for index, (layer, inner, variable) in enumerate(tensors):
        group, _, weight = legacy[index].partition("/")
        name = zoo.our_name(layer, inner)
        group, weight = keras2(group, model_name), keras2(weight, model_name)
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            weight = weight.removesuffix("kernel") + "depthwise_kernel"
        yield name, "/" + paths[index], group, weight + ":0", shape_kind(name, variable.shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="compare with the committed files, write nothing"
    )
    check = parser.parse_args().check
    for model in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            table = [("#name", "keras3", "legacy_group", "legacy_weight", "kind"), *rows(model, Path(folder))]
        widths = [max(map(len, column)) for column in zip(*table)]
        text = (
            "\n".join("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths)).rstrip() for row in table)
            + "\n"
        )
        path = zoo.NAMES / f"{model}.txt"
        if check and path.read_text() != text:
            sys.exit(f"{path.name} differs from what Keras {keras.__version__} writes")
        if not check:
            path.write_text(text)
        print(f"{path.name}: {len(table) - 1} tensors")


if __name__ == "__main__":
    main()

"""Makes tests/golden/data/tiny.weights.h5, a small file written by Keras itself, and tiny.weights.json.

The JSON holds {"tensors": [[path, dtype, result], ...], "empty": [path, ...]}: every dataset in byte order of
the paths with its values (golden_formula.result), and the groups that hold none. Weights are float32 values
of the formula with keys 500, 501, ... in Keras' order; the file has the ImageNet form's empty `rescaling_1`.
"""

import sys

import golden_keras  # noqa: F401  sets TensorFlow's environment first
import h5py
import keras
import numpy as np

import golden_formula as formula


def tiny_model():
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 255, name="rescaling")(image)
    x = layers.Normalization(name="normalization")(x)
    x = layers.Rescaling(2.0, name="rescaling_1")(x)
    x = layers.Conv2D(4, 3, use_bias=False, name="stem_conv")(x)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(3, name="head")(x))


def content(path):
    """What a reader must find in the file."""
    tensors, empty = [], []

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            tensors.append([f"/{name}", str(item.dtype), formula.result(np.asarray(item, np.float64), 8, 9)])
        elif not len(item):
            empty.append(f"/{name}")

    with h5py.File(path) as file:
        file.visititems(visit)
    return {"framework": f"keras {keras.__version__}", "tensors": tensors, "empty": empty}


def main():
    options = formula.arguments(__doc__.splitlines()[0]).parse_args()
    path = formula.DATA / "tiny.weights.h5"
    if not options.check:
        model = tiny_model()
        for key, variable in enumerate(model.weights, 500):
            value = formula.tensor(key, variable.shape, 0.5, 1.0)
            variable.assign(value.astype(variable.dtype))
        model.save_weights(path)
        print(f"{path.name}: {path.stat().st_size} bytes")
    formula.save("tiny.weights", content(path), options.check)
    tiny_model().load_weights(path)


if __name__ == "__main__":
    sys.exit(main())

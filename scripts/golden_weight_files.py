"""Makes the weight files of tests/golden/data that Keras itself writes: tiny.weights.h5, tiny_bfloat16.weights.h5
and tiny_legacy.h5.

In tiny.weights.h5 element e of the tensor with index i in model.weights is i + e / 64; normalization's count is
12345. The file has the ImageNet form's empty `rescaling_1` and an optimizer's state.
"""

import sys
import tempfile
from pathlib import Path

import golden_keras  # noqa: F401  sets TensorFlow's environment first
import keras
import numpy as np

import golden_formula as formula


def tiny_model():
    """A layer of every kind that aeganb3 has, one of them in half precision."""
    layers = keras.layers
    image = keras.Input((4, 4, 3))
    x = layers.Rescaling(1 / 255, name="rescaling")(image)
    x = layers.Normalization(name="normalization")(x)
    x = layers.Rescaling([1.0, 2.0, 3.0], name="rescaling_1")(x)
    x = layers.Conv2D(2, 3, name="stem_conv")(x)
    x = layers.DepthwiseConv2D(2, use_bias=False, name="dwconv")(x)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.MultiHeadAttention(2, 3, dropout=0.1, name="attention")(x, x)
    x = layers.Dropout(0.2, name="drop")(layers.GlobalAveragePooling2D(name="pool")(x))
    x = layers.Dense(3, name="half", dtype="float16")(x)
    return keras.Model(image, layers.Dense(2, name="out", dtype="float32")(x), name="tiny")


def fill(model):
    variables = [w for w in model.weights if "seed_generator" not in w.path]
    for index, variable in enumerate(variables):
        value = index + np.arange(np.prod(variable.shape, dtype=int)).reshape(variable.shape) / 64
        variable.assign(12345 if variable.path.endswith("count") else value)


def dense(dtype):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, dtype=dtype, name="dense")], name="dense")
    fill(model)
    return model


def write(folder):
    model = tiny_model()
    model.compile("sgd", "mse")
    model.fit(np.ones((1, 4, 4, 3)), np.ones((1, 2)), verbose=0)
    fill(model)
    model.save_weights(folder / "tiny.weights.h5")
    dense("bfloat16").save_weights(folder / "tiny_bfloat16.weights.h5")
    dense("float32").save(folder / "tiny_legacy.h5")


def main():
    if not formula.arguments(__doc__.splitlines()[0]).parse_args().check:
        return write(formula.DATA)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        for path in Path(folder).iterdir():
            if path.read_bytes() != (formula.DATA / path.name).read_bytes():
                return f"{path.name} differs from what Keras {keras.__version__} writes"


if __name__ == "__main__":
    sys.exit(main())

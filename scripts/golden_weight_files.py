"""Makes tests/golden/data/*.h5: small weight files written by Keras itself, every tensor filled by a formula.

Element e of the tensor with index i (model.weights' order) is i + e / 64, and normalization's count is 12345.
"""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

DATA = Path(__file__).resolve().parent.parent / "tests" / "golden" / "data"


def fill(model):
    for index, variable in enumerate(w for w in model.weights if "seed_generator" not in w.path):
        value = index + np.arange(np.prod(variable.shape, dtype=int)).reshape(variable.shape) / 64
        variable.assign(12345 if variable.path.endswith("count") else value)


def tiny(form):
    """A layer of every kind that aeganb3 has, one of them in half precision; the optimizer's state is saved too."""
    layers = keras.layers
    image = keras.Input((4, 4, 3))
    x = layers.Normalization(name="normalization")(layers.Rescaling(1 / 255, name="rescaling")(image))
    if form == "imagenet":
        x = layers.Rescaling([1.0, 2.0, 3.0], name="rescaling_1")(x)
    x = layers.Conv2D(2, 3, name="stem_conv")(x)
    x = layers.DepthwiseConv2D(2, use_bias=False, name="dwconv")(x)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.MultiHeadAttention(2, 3, dropout=0.1, name="attention")(x, x)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    x = layers.Dense(3, name="half", dtype="float16")(x)
    x = layers.Dense(2, name="out", dtype="float32")(x)
    return keras.Model(image, x)


def main():
    model = tiny("imagenet")
    model.compile("sgd", "mse")
    model.fit(np.ones((1, 4, 4, 3)), np.ones((1, 2)), verbose=0)
    fill(model)
    model.save_weights(DATA / "tiny.weights.h5")
    brain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, dtype="bfloat16")])
    brain.save_weights(DATA / "tiny_bfloat16.weights.h5")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save(DATA / "tiny_legacy.h5")


if __name__ == "__main__":
    main()

"""Makes the weight files of tests/golden/data that Keras, h5py and NumPy themselves write: tiny*.

In tiny.weights.h5, tiny.keras (deflated anew) and tiny_weights.h5 (legacy, weights alone) element e of the tensor with index i in model.weights is i + e / 64; normalization's count is
12345. They have the ImageNet form's empty `rescaling_1`. tiny_stored.keras is stored, as Keras does;
tiny_legacy.h5 is a whole legacy model; tiny_nested.keras and tiny_nested.h5 have a base as one layer, with a head behind it; tiny_parts.h5 has its lists of names in parts and as texts of variable length, as older programs wrote them.
"""

import io
import sys
import tempfile
import zipfile
from pathlib import Path

import golden_keras  # noqa: F401  sets TensorFlow's environment first
import h5py
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


def nested():
    """A base as one layer with a head behind it, as transfer learning is written; filled as the flat model is."""
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 255, name="rescaling")(image)
    x = layers.Conv2D(2, 3, name="stem_conv")(layers.Normalization(name="normalization")(x))
    x = layers.Conv2D(2, 1, name="top_conv")(layers.BatchNormalization(name="stem_bn")(x))
    base = keras.Model(image, x, name="base")
    head = [layers.GlobalAveragePooling2D(), layers.BatchNormalization(), layers.Dense(3, name="out")]
    model = keras.Sequential([base, *head], name="nested")
    fill(keras.Model(base.input, keras.Sequential(head)(base.output)))
    return model


def rezip(archive, method):
    """The bytes of an archive with all members packed by `method`, of one date."""
    packed = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(packed, "w", method) as new:
        for name in sorted(old.namelist()):
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), old.read(name), method)
    return packed.getvalue()


def write_legacy(model, path):
    with h5py.File(path, "w") as file:
        keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(file, model)


def write_nested(folder):
    model = nested()
    model.save(folder / "tiny_nested.h5")
    model.save(folder / "whole.keras")
    (folder / "tiny_nested.keras").write_bytes(rezip(folder / "whole.keras", zipfile.ZIP_DEFLATED))
    (folder / "whole.keras").unlink()


def write_parts(path):
    """A whole model, its lists cut into parts, with texts of variable length, Keras 2's names and a variance."""
    texts = lambda *names: np.array(names, dtype=h5py.string_dtype())
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights")
        group.attrs["layer_names0"] = texts("input_1", "rescaling", "normalization")
        group.attrs["layer_names1"] = texts("conv1/conv", "dense_7")
        layers = {
            "input_1": {},
            "rescaling": {},
            "normalization": {"mean:0": (3,), "variance:0": (3,)},
            "conv1/conv": {"kernel:0": (1, 1, 3, 2)},
            "dense_7": {"kernel:0": (2, 2), "bias:0": (2,)},
        }
        for layer, weights in layers.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = texts(*(f"{layer}/{w}" for w in weights)) if weights else np.array([])
            for weight, shape in weights.items():
                value = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
                value = np.float32((0.229, 0.224, 0.225)) if weight.startswith("variance") else value
                inner[f"{layer}/{weight}"] = value


def npz_tensors():
    number = lambda *shape, dtype=np.float32: np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape)
    attention = "Transformer/encoderblock_0/MultiHeadDotProductAttention_1"
    return {
        "cls": number(1, 1, 4),
        f"{attention}/query/kernel": number(4, 2, 2),
        f"{attention}/query/bias": number(2, 2, dtype=np.float64),
        f"{attention}/out/kernel": number(2, 2, 4, dtype=np.float16),
        "Transformer/encoder_norm/scale": number(4),
        "head/bias": number(3, dtype=np.int64),
        "step": number(),
    }


def write(folder):
    model = tiny_model()
    model.compile("sgd", "mse")
    model.fit(np.ones((1, 4, 4, 3)), np.ones((1, 2)), verbose=0)
    fill(model)
    model.save_weights(folder / "tiny.weights.h5")
    for saved, name, method in (
        (model, "tiny.keras", zipfile.ZIP_DEFLATED),
        (dense("float32"), "tiny_stored.keras", zipfile.ZIP_STORED),
    ):
        saved.save(folder / "whole.keras")
        (folder / name).write_bytes(rezip(folder / "whole.keras", method))
        (folder / "whole.keras").unlink()
    write_legacy(model, folder / "tiny_weights.h5")
    dense("bfloat16").save_weights(folder / "tiny_bfloat16.weights.h5")
    dense("float32").save(folder / "tiny_legacy.h5")
    write_nested(folder)
    write_parts(folder / "tiny_parts.h5")
    np.savez(folder / "tiny.npz", **npz_tensors())
    (folder / "tiny_deflated.npz").write_bytes(rezip(folder / "tiny.npz", zipfile.ZIP_DEFLATED))


def content(path):
    """What Keras writes anew alike: of a .keras the weights, since the rest holds dates and addresses."""
    return zipfile.ZipFile(path).read("model.weights.h5") if path.suffix == ".keras" else path.read_bytes()


def main():
    if not formula.arguments(__doc__.splitlines()[0]).parse_args().check:
        return write(formula.DATA)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        for path in Path(folder).iterdir():
            if content(path) != content(formula.DATA / path.name):
                return f"{path.name} differs from what Keras {keras.__version__} writes"


if __name__ == "__main__":
    sys.exit(main())

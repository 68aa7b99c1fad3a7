"""The zoo's models built with Keras itself, and the names that Sonograd gives to their tensors."""

import math
import os
import re
from pathlib import Path
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

import golden_vit as vit

DEVIATION = (0.229, 0.224, 0.225)
BASES = {f"efficientnetb{i}": getattr(keras.applications, f"EfficientNetB{i}") for i in range(8)}
BASES |= {f"densenet{i}": getattr(keras.applications, f"DenseNet{i}") for i in (121, 169, 201)}
BASES["xception"] = keras.applications.Xception
MODELS = (*BASES, *vit.SIZES, "aeganb3", "aeganb3_noattention")


def make_base(name, image_size, form="imagenet", vit_dropout=0.0):
    """The model less its head. "plain" is what weights=None builds; "imagenet" what weights="imagenet" builds
    (EfficientNet has `rescaling_1` after `normalization` there), here without the download.
    """
    keras.backend.clear_session()
    if name in vit.SIZES:
        return vit.base(name, image_size, vit_dropout)
    application = BASES.get(name, BASES["efficientnetb3"])
    shape = (image_size, image_size, 3)
    if form == "plain":
        return application(include_top=False, weights=None, input_shape=shape)
    with mock.patch("keras.src.utils.file_utils.get_file"), mock.patch.object(keras.Model, "load_weights"):
        return application(include_top=False, weights="imagenet", input_shape=shape)


def make_model(name, image_size, form="imagenet", classes=3, pooling="average", vit_dropout=0.0):
    base = make_base(name, image_size, form, vit_dropout)
    layers = keras.layers
    x = base.output
    if name.startswith("aeganb3"):
        x = layers.BatchNormalization(name="batch_normalization")(x)
        if name == "aeganb3":
            x = layers.MultiHeadAttention(8, 512, dropout=0.1, name="multi_head_attention")(x, x)
        x = layers.BatchNormalization(name="batch_normalization_1")(x)
        x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
        x = layers.Dense(512, activation="relu", name="dense")(x)
        x = layers.Dense(classes, activation="softmax", name="dense_1")(x)
    else:
        if name not in vit.SIZES:
            pool = {"average": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}[pooling]
            x = pool(name=f"global_{pooling}_pooling2d")(x)
        x = layers.Dense(classes, activation="softmax", name="dense")(x)
    return keras.Model(base.input, x, name=name)


def base_layers(model):
    """The layers before the head, which the paper's first phase freezes."""
    names = [layer.name for layer in model.layers]
    last = [name for name in ("top_activation", "relu", "block14_sepconv2_act", "ExtractToken") if name in names]
    return model.layers[: names.index(last[0]) + 1]


def tensors(model):
    """Rows (layer, weight name inside it, variable) in Keras' order: model.weights without random states."""
    for layer in model.layers:
        for variable in layer.weights:
            inner = variable.path.split("/")[1:]
            if inner[-1] != "seed_generator_state":
                yield layer, ".".join(inner), variable


def our_name(layer, inner):
    """block7a_project_conv + kernel -> block7a.project_conv.kernel; a block's name is the first part."""
    path = re.sub(r"^(block\w*?|conv\d_block\d+|Transformer)_", r"\1.", layer.name)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        inner = "depthwise_kernel"
    return f"{path}.{inner.replace(layer.name + '_', '')}"


def formula_kind(name, shape):
    """(kind, fan_in) of the formula weights, fan_in 0 where the kind has none."""
    last = name.rsplit(".", 1)[1]
    if name.startswith("normalization."):
        return "const", 0
    if last == "depthwise_kernel":
        return "kernel", shape[0] * shape[1]
    if last.endswith("kernel"):
        columns = shape[1:] if name.split(".")[-2] in ("query", "key", "value") else shape[-1:]
        return "kernel", int(np.prod(shape) // np.prod(columns))
    return ("positive" if last in ("gamma", "moving_variance") else "small"), 0


def formula_weight(index, name, shape, gain):
    """float32: kernel (2u-1) sqrt(3 gain / fan_in), positive 0.5+u, small 0.2u-0.1, u = u(index, element)."""
    from golden_formula import u

    kind, fan_in = formula_kind(name, shape)
    shape = tuple(shape)
    if kind == "const":
        value = {"mean": (0.485, 0.456, 0.406), "variance": DEVIATION, "count": 0}[name.split(".")[1]]
    else:
        value = u(index, math.prod(shape)).reshape(shape)
        value = {
            "kernel": (2 * value - 1) * math.sqrt(3 * gain / max(fan_in, 1)),
            "positive": 0.5 + value,
            "small": 0.2 * value - 0.1,
        }[kind]
    return np.asarray(value, np.float32)


def load_formula(model, gain, plain=False):
    """Sets every weight by its formula; in the plain form normalization stays the identity."""
    for index, (layer, inner, variable) in enumerate(tensors(model)):
        name = our_name(layer, inner)
        if not (plain and name.startswith("normalization.")):
            variable.assign(formula_weight(index, name, variable.shape, gain).astype(variable.dtype))
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()

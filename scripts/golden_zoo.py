#!/usr/bin/env python3
"""Golden facts for models/zoo: tests/golden/data/zoo.json.

  parameters, trainable, macs   of each model with pooled features and a dense layer to three classes, 224 x 224 (macs: of its
                                layers' shapes, as shared specifications count them: ViT's attention products too)
  md5                           official weight files, as Keras' own code asks for them
  preprocess                    pixels and what Keras' and vit-keras' own functions make of them, float32

Needs keras with TensorFlow, and vit-keras 0.2. Run from the root of the project: python3 scripts/golden_zoo.py
"""

import json
import os
import sys
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
import numpy as np
import vit_keras.layers
import vit_keras.vit
from keras.src.applications import densenet, efficientnet, xception
from keras.src.models import Functional

CLASSES = 3
asked = {}  # address of each file that Keras would have fetched: its md5


def record(name, origin, file_hash=None, **_):
    asked[origin] = file_hash
    return name


for module in (densenet, efficientnet, xception):
    module.file_utils.get_file = record
Functional.load_weights = lambda *args, **kwargs: None


def layer_macs(layer):
    """Multiply-adds of one image."""
    if isinstance(layer, (keras.layers.SeparableConv2D, keras.layers.DepthwiseConv2D)):
        cells = np.prod(layer.output.shape[1:3])
        return int(cells * sum(np.prod(w.shape) for w in layer.weights if len(w.shape) == 4))
    if isinstance(layer, keras.layers.Conv2D):
        return int(np.prod(layer.output.shape[1:3]) * np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Dense):
        return int(np.prod(layer.kernel.shape))
    if isinstance(layer, vit_keras.layers.TransformerBlock):
        tokens, width = layer.input.shape[1:]
        return int(tokens * (4 * width * width + 2 * width * layer.mlp_dim) + 2 * tokens * tokens * width)
    return 0


def facts(base):
    x = base.output
    if len(x.shape) == 4:
        x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(base.input, keras.layers.Dense(CLASSES)(x))
    count = lambda weights: int(sum(np.prod(w.shape) for w in weights))
    return {
        "parameters": count(model.weights),
        "trainable": count(model.trainable_weights),
        "macs": sum(layer_macs(layer) for layer in model.layers),
    }


builders = {f"efficientnetb{b}": getattr(efficientnet, f"EfficientNetB{b}") for b in range(8)}
builders |= {f"densenet{d}": getattr(densenet, f"DenseNet{d}") for d in (121, 169, 201)}
builders["xception"] = xception.Xception
models = {}
for name, build in builders.items():
    models[name] = facts(build(include_top=False, weights="imagenet", input_shape=(224, 224, 3)))
    build(weights="imagenet")
    print(name, models[name], file=sys.stderr)

for name, patch, width, heads, mlp in (
    ("vit_s16", 16, 384, 6, 1536), ("vit_b16", 16, 768, 12, 3072), ("vit_b32", 32, 768, 12, 3072),
):  # fmt: skip
    models[name] = facts(
        vit_keras.vit.build_model(
            image_size=224, patch_size=patch, num_layers=12, hidden_size=width, num_heads=heads, name=name,
            mlp_dim=mlp, classes=0, include_top=False,
        )  # fmt: skip
    )
    print(name, models[name], file=sys.stderr)

pixels = np.array([[0, 0, 0], [255, 255, 255], [1, 127, 128], [64, 200, 33]], np.uint8)
made = {
    "densenet": densenet.preprocess_input(pixels.astype(np.float32)),
    "xception": xception.preprocess_input(pixels.astype(np.float32)),
    "vit": vit_keras.vit.preprocess_inputs(pixels.astype(np.float32)),
    "efficientnet": efficientnet.preprocess_input(pixels.astype(np.float32)),
}
golden = {
    "made_with": f"keras {keras.__version__}, vit-keras 0.2.0",
    "models": models,
    "md5": asked,
    "preprocess": {"pixels": pixels.ravel().tolist()} | {k: v.ravel().astype(float).tolist() for k, v in made.items()},
}
text = json.dumps(golden, indent=1)
Path("tests/golden/data/zoo.json").write_text(text + "\n")

#!/usr/bin/env python3
"""Golden numbers of Keras for data/turn.h: tests/golden/data/turn.json.

Keras' RandomRotation (reflect, bilinear) at given angles, then flips, on pictures of the formula that the test knows too.
Needs keras and tensorflow. Run from the root of the project: python3 scripts/golden_turn.py
"""
import json
import math
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np


def picture(height, width):
    y, x, c = np.mgrid[:height, :width, :3]
    return (((3 * x + 5 * y + 40 * c) ^ ((x * y) >> 4)) & 255).astype(np.float32)


def case(height, width, angle, left_right=False, up_down=False):
    turns = angle / (2 * math.pi)  # the layer's unit
    layer = keras.layers.RandomRotation((turns, turns))  # its defaults: fill_mode reflect, bilinear
    turned = np.array(layer(picture(height, width)[None], training=True))[0]
    if left_right:
        turned = turned[:, ::-1]
    if up_down:
        turned = turned[::-1]
    return {
        "height": height, "width": width, "angle": angle, "left_right": left_right, "up_down": up_down,
        "pixels": [round(float(v), 4) for v in turned.ravel()],
    }  # fmt: skip


cases = [
    case(12, 12, 0.0), case(12, 12, math.pi / 2, True), case(13, 9, 0.3), case(8, 15, -2.5, True, True),
    case(11, 10, 4.9, False, True), case(16, 16, -5.0265),
]  # fmt: skip
golden = {"made_with": f"keras {keras.__version__}, tensorflow", "cases": cases}
text = json.dumps(golden, separators=(",", ":")).replace('{"height"', '\n{"height"')
Path("tests/golden/data/turn.json").write_text(text + "\n")

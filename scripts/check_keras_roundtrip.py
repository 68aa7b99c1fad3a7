"""Loads a weight file that Sonograd wrote into Keras and prints probabilities as `sonograd predict` does; or has
Keras write one for `sonograd predict` to read, and prints what it should give.

    check_keras_roundtrip.py [--save] MODEL FILE IMAGE...

FILE is a .weights.h5, whose tensors must be exactly the model's, a .keras, or a legacy .h5. With --save the weights
are those of the golden numbers' formula, and a legacy .h5 is a whole model. Pixels are those of `sonograd predict`:
OpenCV's 8-bit colour reader, INTER_AREA.
"""

import argparse
import sys
import tempfile

import golden_keras as zoo  # sets TensorFlow's environment first
import cv2
import h5py
import keras
import numpy as np


def datasets(path):
    found = set()
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.add(f"/{name}") if isinstance(item, h5py.Dataset) else None)
        return found, "rescaling_1" in file["layers"]


def expected(model):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/keras.weights.h5"
        model.save_weights(path)
        return {name for name in datasets(path)[0] if "seed_generator" not in name}


def load(name, path, size):
    if path.endswith(".keras"):
        return keras.saving.load_model(path)
    if not path.endswith(".weights.h5"):
        with h5py.File(path) as file:
            imagenet = "rescaling_1" in file
        model = zoo.make_model(name, size, "imagenet" if imagenet else "plain")
        model.load_weights(path)
        return model
    found, imagenet = datasets(path)
    model = zoo.make_model(name, size, "imagenet" if imagenet else "plain")
    wrong = found ^ expected(model)
    if wrong:
        sys.exit(f"{path}: {len(wrong)} datasets missing or unknown, such as {sorted(wrong)[0]}")
    model.load_weights(path)
    return model


def save(name, path, size, gain):
    model = zoo.make_model(name, size)
    zoo.load_formula(model, gain)
    (model.save_weights if path.endswith(".weights.h5") else model.save)(path)
    return model


def read(path, size):
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        sys.exit(f"{path}: not an image")
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)[:, :, ::-1]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--gain", type=float, default=1.0, help="of the formula's kernels")
    parser.add_argument("model", choices=zoo.MODELS)
    parser.add_argument("weights")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--image-size", type=int, default=224)
    options = parser.parse_args()
    place = options.model, options.weights, options.image_size
    model = save(*place, options.gain) if options.save else load(*place)
    pixels = np.stack([read(path, options.image_size) for path in options.images]).astype(np.float32)
    print("file,benign,normal,malignant")
    for path, row in zip(options.images, np.asarray(model(pixels, training=False))):
        print(path, *(f"{p:.9g}" for p in row), sep=",")


if __name__ == "__main__":
    main()

"""Loads a .weights.h5 that Sonograd wrote into Keras' model; prints probabilities as `sonograd predict` does.

    check_keras_roundtrip.py MODEL FILE.weights.h5 IMAGE...

Every tensor of the model must be in the file and no other. Pixels are those of `sonograd predict`: OpenCV's
8-bit colour reader, INTER_AREA.
"""

import argparse
import sys
import tempfile

import golden_keras as zoo  # sets TensorFlow's environment first
import cv2
import h5py
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


def read(path, size):
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        sys.exit(f"{path}: not an image")
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)[:, :, ::-1]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", choices=zoo.MODELS)
    parser.add_argument("weights")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--image-size", type=int, default=224)
    options = parser.parse_args()
    found, imagenet = datasets(options.weights)
    model = zoo.make_model(options.model, options.image_size, "imagenet" if imagenet else "plain")
    wrong = found ^ expected(model)
    if wrong:
        sys.exit(f"{options.weights}: {len(wrong)} datasets missing or unknown, such as {sorted(wrong)[0]}")
    model.load_weights(options.weights)
    pixels = np.stack([read(path, options.image_size) for path in options.images]).astype(np.float32)
    print("file,benign,normal,malignant")
    for path, row in zip(options.images, np.asarray(model(pixels, training=False))):
        print(path, *(f"{p:.9g}" for p in row), sep=",")


if __name__ == "__main__":
    main()

"""Times Keras on TensorFlow (f32) on the work of `sonograd bench`.

Training is train_on_batch; inference is model(x, training=False) under tf.function, which does the work of
predict_on_batch without its Python overhead. The Vision Transformers are those of scripts/golden_vit.py with
vit-keras' dropout.
"""

import time

started = time.perf_counter()

import os
import sys
from pathlib import Path

import timing

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
MODELS = ("efficientnetb0", "efficientnetb3", "densenet169", "xception", "vit_b16", "vit_b32")
MODELS += ("aeganb3", "aeganb3_noattention", "dcgan")

options = timing.arguments(MODELS)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
import numpy as np
import tensorflow as tf

import golden_keras as zoo


def set_mode(model, what):
    """train: all; finetune: all but norms (moving statistics); transfer: the head with its norms."""
    base = zoo.base_layers(model)
    for layer in model.layers:
        if what == "transfer":
            layer.trainable = layer not in base
        elif what == "finetune":
            norms = (keras.layers.BatchNormalization, keras.layers.LayerNormalization)
            layer.trainable = not isinstance(layer, norms)


def adversarial_step():
    """One step of golden_gan's DCGAN with dropout, behaviour B; each of the four updates is a compiled function."""
    import golden_gan

    g, d = golden_gan.networks(options.image_size, 0.25)
    update = golden_gan.updater(g, d)
    judge = tf.function(lambda x, target: update(d, lambda: d(x, training=True), target))
    fool = tf.function(lambda z, target: update(g, lambda: d(g(z, training=True), training=True), target))
    make = tf.function(lambda z: g(z, training=False))
    draw = np.random.default_rng(42)
    real = draw.uniform(0, 1, (options.batch, options.image_size, options.image_size, 3)).astype(np.float32)
    valid, fake = np.full((options.batch, 1), 0.975, np.float32), np.full((options.batch, 1), 0.025, np.float32)

    def step():
        noise = draw.normal(size=(3, options.batch, 100)).astype(np.float32)
        if options.what == "infer":
            return make(noise[0]).numpy()
        made = make(noise[0])
        losses = [judge(real, valid), judge(made, fake), fool(noise[1], valid), fool(noise[2], valid)]
        return [float(loss) for loss in losses]

    return step


def main():
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    keras.utils.set_random_seed(42)
    if options.model == "dcgan":
        figures = timing.measure(adversarial_step(), options.repeat, started)
        call = {"call": "tf.function", **figures}
        return timing.report(options, f"keras {keras.__version__}, tensorflow {tf.__version__}", call)
    model = zoo.make_model(options.model, options.image_size, "plain", vit_dropout=0.1)
    set_mode(model, options.what)
    images = np.random.default_rng(42).uniform(
        0, 255, (options.batch, options.image_size, options.image_size, 3)
    )
    images = images.astype(np.float32)
    labels = np.arange(options.batch) % 3
    if options.what == "infer":
        name = "tf.function"
        function = tf.function(lambda x: model(x, training=False))

        def step():
            return function(tf.constant(images)).numpy()
    else:
        name = "train_on_batch"
        model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")

        def step():
            return model.train_on_batch(images, labels)

    figures = timing.measure(step, options.repeat, started)
    timing.report(
        options, f"keras {keras.__version__}, tensorflow {tf.__version__}", {"call": name, **figures}
    )


main()

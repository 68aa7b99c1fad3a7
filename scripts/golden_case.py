"""Runs one small case in Keras (float64, TensorFlow) and records what golden_layers.py documents."""

import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", TF_ENABLE_ONEDNN_OPTS="0")

import keras
import numpy as np
import tensorflow as tf
from keras import ops  # noqa: F401  for the modules of cases

import golden_formula as formula

keras.config.set_floatx("float64")
formula.exact_doubles(tf)
cases = []


class Input:
    """A named tensor of the formula (a new key each) or of listed values."""

    keys = iter(range(1000, 9000))

    def __init__(self, shape=None, scale=1.0, shift=0.0, values=None, constant=False):
        self.constant = constant
        if values is None:
            self.facts = {"key": next(Input.keys), "shape": list(shape), "scale": scale, "shift": shift}
            self.value = formula.tensor(**self.facts)
        else:
            self.value = np.asarray(values, np.int64 if constant else np.float64)
            self.facts = {"values": self.value.ravel().tolist(), "shape": list(self.value.shape)}


def case(name, op, function, inputs, attributes=None, differentiate="y"):
    """Records the outputs of function(**inputs) -> {name: tensor}, and the gradients of one of them."""
    values = {k: tf.constant(v.value) for k, v in inputs.items()}
    sources = {k: values[k] for k, v in inputs.items() if not v.constant}
    entry = {
        "name": name,
        "op": op,
        "attributes": attributes or {},
        "inputs": {k: v.facts for k, v in inputs.items()},
    }
    with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs = function(**values) if len(values) > 1 else function(*values.values())
        outputs = outputs if isinstance(outputs, dict) else {"y": outputs}
        if differentiate:
            y = outputs[differentiate]
            dy = Input(y.shape) if len(y.shape) else Input([], 0.0, 1.0)
            loss = tf.reduce_sum(y * dy.value)
    entry["outputs"] = {k: formula.result(v) for k, v in outputs.items()}
    if differentiate:
        entry["cotangents"] = {differentiate: dy.facts}
        gradients = tape.gradient(loss, sources, unconnected_gradients="zero")
        entry["gradients"] = {k: formula.result(tf.convert_to_tensor(g)) for k, g in gradients.items()}
    cases.append(entry)
    return outputs


def set_and_call(layer, x, weights, **how):
    """Calls a Keras layer as a function of its weights, so that a tape sees them as inputs."""
    if not layer.built:
        layer.build(x.shape)
    values = [tf.convert_to_tensor(w) for w in weights]
    assert [tuple(v.shape) for v in layer.variables if "seed" not in v.path] == [
        tuple(w.shape) for w in values
    ]
    trainable = values[: len(layer.trainable_variables)]
    rest = values[len(trainable) :]
    if len(layer.non_trainable_variables) > len(rest):  # the random state of dropout
        rest = rest + [v.value for v in layer.non_trainable_variables[len(rest) :]]
    return layer.stateless_call(trainable, rest, x, **how)

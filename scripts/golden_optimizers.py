#!/usr/bin/env python3
"""Makes tests/golden/data/optimizers.json: twelve updates by Keras' Adam and SGD, in float64 and float32.

The parameters w are golden_formula.tensor(1, [8]); the gradient of step k = 0 … 11 is tensor(10 + k, [8]) times
SCALES, element by element: some are as small as Adam's epsilon (1e-7), where its place in the formula shows,
one is always zero. The learning rate is `rate`, from step 6 on a tenth of it.

    cases  [{optimizer, rate, momentum (SGD), float64: [w after step k, ...], float32: likewise}]
"""

import golden_keras  # noqa: F401  sets TensorFlow's environment first
import keras
import numpy as np
import tensorflow as tf

import golden_formula as formula

SCALES = np.array([1, 1e-2, 1e-5, 1e-7, 1e-8, 1e-10, 1e3, 0])
STEPS = 12
CASES = (("adam", 1e-3, None), ("adam", 1e-5, None), ("sgd", 1e-2, 0.0), ("sgd", 1e-2, 0.9))


def weights(kind, rate, momentum, dtype):
    keras.config.set_floatx(dtype)
    optimizer = keras.optimizers.Adam(rate) if kind == "adam" else keras.optimizers.SGD(rate, momentum)
    w = keras.Variable(formula.tensor(1, [8]), dtype=dtype)
    after = []
    for step in range(STEPS):
        if step == STEPS // 2:
            optimizer.learning_rate = rate / 10
        gradient = keras.ops.convert_to_tensor(formula.tensor(10 + step, [8]) * SCALES, dtype)
        optimizer.apply([gradient], [w])
        after.append([float(v) for v in np.asarray(w)])
    return after


def main():
    check = formula.arguments(__doc__.splitlines()[0]).parse_args().check
    formula.exact_doubles(tf)
    cases = []
    for kind, rate, momentum in CASES:
        case = {"optimizer": kind, "rate": rate, "momentum": momentum or 0.0}
        cases.append(case | {d: weights(kind, rate, momentum, d) for d in ("float64", "float32")})
    formula.save("optimizers", {"framework": f"keras {keras.__version__}", "cases": cases}, check)


if __name__ == "__main__":
    main()

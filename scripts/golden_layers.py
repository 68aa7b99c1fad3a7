"""Makes tests/golden/data/layers.json: small cases of every op and layer, from Keras 3 in float64.

One reader serves all cases. Each entry of `cases`:
    name, op, attributes
    inputs      {name: tensor}: {"key", "shape", "scale", "shift"} (golden_formula.py) or {"values", "shape"}
    outputs     {name: result}
    cotangents  {output name: tensor}: the loss is the sum over these outputs of <cotangent, output>
    gradients   {input name: result} of that loss; inputs that are not named have none (labels, statistics)
Padding is "same", "valid" or [[top, bottom], [left, right]]. Kernels are HWIO ([kh, kw, in / groups, out]),
depthwise kernels [kh, kw, channels, 1], Dense [in, out].
Optimizers: inputs w and g1..gN, outputs w1..wN (after each step) and the slots after the last.
"""

import golden_formula as formula
import golden_spatial  # noqa: F401  its cases come first
from golden_case import Input, case, cases, keras, np, ops, set_and_call, tf


def batch_norm(name, x, momentum=0.99, epsilon=1e-3, scale=1.0, shift=0.0):
    c = x[-1]

    def inputs():
        return {
            "x": Input(x, scale, shift),
            "gamma": Input([c], 0.5, 1.0),
            "beta": Input([c], 0.1),
            "moving_mean": Input([c], 0.1, shift),
            "moving_variance": Input([c], 0.5, 1.0),
        }

    attributes = {"momentum": momentum, "epsilon": epsilon}

    def train(x, gamma, beta, moving_mean, moving_variance):
        layer = keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon)
        y, moved = set_and_call(layer, x, (gamma, beta, moving_mean, moving_variance), training=True)
        n = int(np.prod(x.shape[:-1]))
        unbiased = np.var(x, axis=tuple(range(x.ndim - 1))) * (n / (n - 1) if x.ndim == 4 else 1)
        return {
            "y": y,
            "moving_mean": moved[0],
            "moving_variance": moved[1],
            "moving_variance_keras2": moving_variance * momentum + unbiased * (1 - momentum),
        }

    def infer(x, gamma, beta, moving_mean, moving_variance):
        layer = keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon)
        return set_and_call(layer, x, (gamma, beta, moving_mean, moving_variance), training=False)[0]

    for mode, function in ("train", train), ("inference", infer):
        given = inputs()
        given["moving_mean"].constant = given["moving_variance"].constant = True
        case(f"batch_norm_{mode}_{name}", f"batch_norm_{mode}", function, given, attributes)


batch_norm("4d", [2, 3, 4, 5])
batch_norm("tail", [3, 2, 5, 17], momentum=0.8)
batch_norm("one_pixel", [4, 1, 1, 3], epsilon=1.001e-5)
batch_norm("2d", [6, 4], momentum=0.8)
batch_norm("large_mean", [2, 4, 4, 3], scale=0.5, shift=50.0)

for name, shape, epsilon in ("3d", [2, 3, 7], 1e-6), ("2d", [4, 5], 1e-3), ("tail", [3, 33], 1e-6):
    case(
        f"layer_norm_{name}",
        "layer_norm",
        lambda x, gamma, beta: set_and_call(
            keras.layers.LayerNormalization(epsilon=epsilon), x, (gamma, beta)
        )[0],
        {"x": Input(shape, 2.0, 0.5), "gamma": Input(shape[-1:], 0.5, 1.0), "beta": Input(shape[-1:], 0.1)},
        {"epsilon": epsilon},
    )

for shape in [3, 5], [2, 3, 4], [2, 2, 3, 4]:
    case(
        f"dense_{len(shape)}d",
        "dense",
        lambda x, w, b: set_and_call(keras.layers.Dense(6), x, (w, b))[0],
        {"x": Input(shape), "w": Input([shape[-1], 6], 0.5), "b": Input([6], 0.2)},
    )

for name, shape, axes, scale in (
    ("last", [3, 5], [-1], 3.0),
    ("last_4d", [2, 2, 3, 4], [-1], 3.0),
    ("two_axes", [2, 3, 4, 5], [2, 3], 3.0),
    ("middle", [2, 3, 4], [1], 3.0),
    ("large", [2, 6], [-1], 300.0),
):
    case(
        f"softmax_{name}",
        "softmax",
        keras.layers.Softmax(axis=tuple(axes) if len(axes) > 1 else axes[0]),
        {"x": Input(shape, scale)},
        {"axes": axes},
    )


def cross_entropy(from_logits):
    def function(labels, **given):
        rows = ops.sparse_categorical_crossentropy(
            labels, next(iter(given.values())), from_logits=from_logits
        )
        return {"per_sample": rows, "loss": ops.mean(rows)}

    return function


for name, scale in ("", 2.0), ("_large", 60.0):
    case(
        f"cross_entropy{name}",
        "cross_entropy",
        cross_entropy(True),
        {"logits": Input([5, 3], scale), "labels": Input(values=[0, 2, 1, 1, 0], constant=True)},
        {},
        "loss",
    )
# log(clip(p, 1e-7, 1 - 1e-7)), then a softmax cross-entropy of those (so unnormalised rows are renormalised);
# the clip passes no gradient outside its range.
case(
    "cross_entropy_probabilities",
    "cross_entropy_probabilities",
    cross_entropy(False),
    {
        "probabilities": Input(
            values=[[0.2, 0.3, 0.5], [1e-9, 0.4, 0.6], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.125]]
        ),
        "labels": Input(values=[0, 0, 0, 2, 1], constant=True),
    },
    {"epsilon": 1e-7},
    "loss",
)


def binary_cross_entropy(from_logits):
    def function(targets, **given):
        rows = ops.mean(
            ops.binary_crossentropy(targets, next(iter(given.values())), from_logits=from_logits), -1
        )
        return {"per_sample": rows, "loss": ops.mean(rows)}

    return function


targets = [[1.0], [0.0], [0.97], [0.02], [1.0], [0.0]]
soft = Input(values=targets)
soft.constant = True
case(
    "binary_cross_entropy",
    "binary_cross_entropy",
    binary_cross_entropy(True),
    {"logits": Input(values=[[2.0], [-1.5], [0.25], [-0.5], [-60.0], [45.0]]), "targets": soft},
    {},
    "loss",
)
case(
    "binary_cross_entropy_probabilities",
    "binary_cross_entropy_probabilities",
    binary_cross_entropy(False),
    {"probabilities": Input(values=[[0.9], [0.2], [0.5], [0.01], [1e-9], [1.0]]), "targets": soft},
    {"epsilon": 1e-7},
    "loss",
)

points = [-800.0, -90.0, -20.0, -3.0, -1.2, -0.7, -0.1, -1e-4, 1e-4, 0.1, 0.7, 1.2, 3.0, 20.0, 90.0, 800.0]
slope = 0.2
for name, function in {
    "relu": ops.relu,
    "swish": ops.silu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "gelu": lambda x: ops.gelu(x, approximate=False),
    # the kernel behind ops.leaky_relu keeps its slope in float32
    "leaky_relu": lambda x: ops.maximum(x, 0.0) + slope * ops.minimum(x, 0.0),
}.items():
    attributes = {"slope": slope} if name == "leaky_relu" else {}
    case(f"{name}_points", name, function, {"x": Input(values=points)}, attributes)
    case(f"{name}_tail", name, function, {"x": Input([3, 11], 4.0)}, attributes)
assert np.allclose(
    ops.leaky_relu(np.array(points), slope), ops.maximum(points, 0) + slope * ops.minimum(points, 0)
)

heads, depth = 2, 4
parts = {"query": 8, "key": 8, "value": 8}
for name, shape, scale in ("", [2, 3, 3, 8], 1.0), ("_sharp", [1, 2, 4, 8], 4.0):
    attention = keras.layers.MultiHeadAttention(heads, depth, dropout=0.1)
    attention.build(shape, shape, shape)

    def attend(x, **weights):
        trainable = list(weights.values())
        seeds = [v.value for v in attention.non_trainable_variables]
        y, _ = attention.stateless_call(trainable, seeds, x, x, training=False)
        return y

    weights = {}
    for part in parts:
        weights[f"{part}.kernel"] = Input([8, heads, depth], 0.5 * scale)
        weights[f"{part}.bias"] = Input([heads, depth], 0.1)
    weights["attention_output.kernel"] = Input([heads, depth, 8], 0.5)
    weights["attention_output.bias"] = Input([8], 0.1)
    assert [tuple(v.shape) for v in attention.trainable_variables] == [
        w.value.shape for w in weights.values()
    ]
    case(
        f"multi_head_attention{name}",
        "multi_head_attention",
        attend,
        {"x": Input(shape), **weights},
        {"heads": heads, "key_dim": depth, "value_dim": depth},
    )


def squeeze_excite(x, **w):
    s = ops.mean(x, (1, 2), keepdims=True)
    s = ops.silu(ops.conv(s, w["reduce.kernel"]) + w["reduce.bias"])
    return x * ops.sigmoid(ops.conv(s, w["expand.kernel"]) + w["expand.bias"])


case(
    "squeeze_excite",
    "squeeze_excite",
    squeeze_excite,
    {
        "x": Input([2, 5, 4, 8]),
        "reduce.kernel": Input([1, 1, 8, 2]),
        "reduce.bias": Input([2], 0.2),
        "expand.kernel": Input([1, 1, 2, 8]),
        "expand.bias": Input([8], 0.2),
    },
)


def input_pipeline(form):
    def function(x):
        x = keras.layers.Rescaling(1 / 255)(x)
        deviation = [0.229, 0.224, 0.225]
        if form == "imagenet":
            x = keras.layers.Normalization(
                mean=np.array([0.485, 0.456, 0.406]), variance=np.array(deviation)
            )(x)
            x = keras.layers.Rescaling([1 / np.sqrt(s) for s in deviation])(x)
        return x

    return function


for form in "imagenet", "plain":
    case(
        f"input_{form}",
        "input",
        input_pipeline(form),
        {"x": Input([2, 2, 3, 3], 127.5, 127.5)},
        {"form": form},
    )


def optimizer(name, make, slots, attributes, steps=5):
    given = {"w": Input([3, 5])}
    for t in range(1, steps + 1):  # one tiny gradient shows where epsilon stands
        given[f"g{t}"] = Input([3, 5], 1e-6 if t == 2 else 0.3, 0.0 if t == 2 else 0.05)

    def function(w, **gradients):
        variable = keras.Variable(w)
        rule = make()
        rule.build([variable])
        outputs = {}
        for t, gradient in enumerate(gradients.values(), 1):
            rule.apply([gradient], [variable])
            outputs[f"w{t}"] = ops.convert_to_numpy(variable)
        for slot, attribute in slots.items():
            outputs[slot] = ops.convert_to_numpy(getattr(rule, attribute)[0])
        return outputs

    case(name, name.split("_")[0], function, given, attributes, differentiate=None)


adam_slots = {"m": "_momentums", "v": "_velocities"}
for name, rate, beta in ("adam", 1e-3, 0.9), ("adam_gan", 2e-4, 0.5):
    optimizer(
        name,
        lambda: keras.optimizers.Adam(rate, beta_1=beta),
        adam_slots,
        {"rate": rate, "beta1": beta, "beta2": 0.999, "epsilon": 1e-7},
    )
for name, momentum, nesterov in (
    ("sgd", 0.0, False),
    ("sgd_momentum", 0.9, False),
    ("sgd_nesterov", 0.9, True),
):
    optimizer(
        name,
        lambda: keras.optimizers.SGD(0.01, momentum, nesterov),
        {"m": "momentums"} if momentum else {},
        {"rate": 0.01, "momentum": momentum, "nesterov": nesterov},
    )

if __name__ == "__main__":
    options = formula.arguments(__doc__.splitlines()[0]).parse_args()
    framework = f"keras {keras.__version__}, tensorflow {tf.__version__}, float64"
    formula.save("layers", {"framework": framework, "cases": cases}, options.check)

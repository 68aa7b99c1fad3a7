"""Makes tests/golden/data/layers.json: small cases of every op and layer, from Keras 3 in float64.

One reader serves all cases. Each entry of `cases`:
    name, op, attributes
    inputs      {name: tensor}: {"key", "shape", "scale", "shift"} (see golden_formula.py) or {"values", "shape"}
    outputs     {name: result}
    cotangents  {output name: tensor}: the loss is the sum over these outputs of <cotangent, output>
    gradients   {input name: result} of that loss; inputs that are not named have none (labels, statistics)
Padding is "same", "valid" or [[top, bottom], [left, right]]. Kernels are HWIO ([kh, kw, in / groups, out]),
depthwise kernels [kh, kw, channels, 1], Dense [in, out].
Optimizers: inputs w and g1..gN, outputs w1..wN (after each step) and the slots after the last.
"""

import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", TF_ENABLE_ONEDNN_OPTS="0")

import keras
import numpy as np
import tensorflow as tf
from keras import ops

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
    """Runs function(**inputs) -> {output name: tensor} and records outputs and the gradients of `differentiate`."""
    values = {k: tf.constant(v.value) for k, v in inputs.items()}
    sources = {k: values[k] for k, v in inputs.items() if not v.constant}
    entry = {"name": name, "op": op, "attributes": attributes or {}, "inputs": {k: v.facts for k, v in inputs.items()}}
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


def pads_first(x, padding):
    if isinstance(padding, str):
        return x, padding
    return keras.layers.ZeroPadding2D(padding)(x), "valid"


def conv(name, x, kernel, out, stride=1, padding="same", dilation=1, groups=1, bias=False):
    inputs = {"x": Input(x), "w": Input([*kernel, x[-1] // groups, out], 0.5)}
    if bias:
        inputs["b"] = Input([out], 0.2)

    def function(x, w, b=None):
        x, pad = pads_first(x, padding)
        if groups > 1:
            y = ops.concatenate([ops.conv(part, kernel_part, stride, pad, dilation_rate=dilation)
                                 for part, kernel_part in zip(ops.split(x, groups, -1), ops.split(w, groups, -1))], -1)
            assert np.allclose(y, ops.conv(x, w, stride, pad, dilation_rate=dilation), rtol=1e-12, atol=1e-12)
        else:
            y = ops.conv(x, w, stride, pad, dilation_rate=dilation)
        return y if b is None else y + b

    case(f"conv2d_{name}", "conv2d", function, inputs,
         {"stride": [stride, stride], "dilation": [dilation, dilation], "groups": groups, "padding": padding})


conv("k3_even", [2, 6, 4, 3], (3, 3), 4)
conv("k3_odd_bias", [1, 5, 7, 2], (3, 3), 3, bias=True)
conv("k3_s2_even", [2, 6, 8, 3], (3, 3), 4, 2)
conv("k3_s2_odd", [1, 7, 5, 3], (3, 3), 4, 2)
conv("k3_s2_valid_even", [1, 8, 6, 3], (3, 3), 5, 2, "valid")
conv("k3_s2_valid_odd", [1, 7, 9, 3], (3, 3), 2, 2, "valid")
conv("k3_s2_explicit", [2, 8, 6, 3], (3, 3), 4, 2, [[0, 1], [0, 1]])
conv("k5_wider_than_map", [1, 4, 3, 2], (5, 5), 2)
conv("k5_s2_even", [1, 8, 8, 2], (5, 5), 3, 2)
conv("k5_s2_odd", [1, 7, 9, 2], (5, 5), 3, 2)
conv("k7_s2_explicit", [1, 10, 9, 3], (7, 7), 2, 2, [[3, 3], [3, 3]])
conv("k3x5", [1, 5, 8, 2], (3, 5), 3)
conv("k1", [2, 3, 5, 7], (1, 1), 6)
conv("k1_s2_odd", [2, 5, 7, 3], (1, 1), 4, 2)
conv("k4_s4_valid", [1, 8, 12, 3], (4, 4), 5, 4, "valid", bias=True)
conv("k3_dilated_same", [1, 7, 6, 2], (3, 3), 3, dilation=2)
conv("k3_dilated_valid", [1, 9, 7, 2], (3, 3), 3, padding="valid", dilation=3)
conv("k3_groups2", [2, 5, 4, 4], (3, 3), 6, groups=2)
conv("k3_s2_groups4", [1, 6, 7, 8], (3, 3), 8, 2, groups=4)


def depthwise(name, x, k, stride, padding):
    def function(x, w):
        x, pad = pads_first(x, padding)
        return ops.depthwise_conv(x, w, stride, pad)

    case(f"depthwise_conv2d_{name}", "depthwise_conv2d", function,
         {"x": Input(x), "w": Input([k, k, x[-1], 1], 0.5)},
         {"stride": [stride, stride], "dilation": [1, 1], "padding": padding})


for k in (3, 5):
    depthwise(f"k{k}_even", [2, 6, 8, 5], k, 1, "same")
    depthwise(f"k{k}_odd", [1, 7, 5, 17], k, 1, "same")
    depthwise(f"k{k}_small_map", [2, 3, 2, 4], k, 1, "same")
    depthwise(f"k{k}_s2_even", [2, 6, 8, 5], k, 2, "same")
    depthwise(f"k{k}_s2_odd", [1, 7, 9, 3], k, 2, "same")
    depthwise(f"k{k}_s2_explicit_even", [1, 8, 6, 17], k, 2, [[k // 2 - 1, k // 2]] * 2)
    depthwise(f"k{k}_s2_explicit_odd", [1, 7, 5, 3], k, 2, [[k // 2, k // 2]] * 2)
    depthwise(f"k{k}_valid", [1, 7, 6, 2], k, 1, "valid")

case("separable_conv2d", "separable_conv2d", lambda x, w, p: ops.separable_conv(x, w, p, 1, "same"),
     {"x": Input([1, 5, 6, 3]), "w": Input([3, 3, 3, 1], 0.5), "p": Input([1, 1, 3, 4], 0.5)},
     {"stride": [1, 1], "padding": "same"})


def set_and_call(layer, x, weights, **how):
    """Calls a Keras layer as a function of its weights, so that a tape sees them as inputs."""
    if not layer.built:
        layer.build(x.shape)
    values = [tf.convert_to_tensor(w) for w in weights]
    assert [tuple(v.shape) for v in layer.variables if "seed" not in v.path] == [tuple(w.shape) for w in values]
    trainable = values[: len(layer.trainable_variables)]
    rest = values[len(trainable):]
    if len(layer.non_trainable_variables) > len(rest):  # the random state of dropout
        rest = rest + [v.value for v in layer.non_trainable_variables[len(rest):]]
    return layer.stateless_call(trainable, rest, x, **how)


def batch_norm(name, x, momentum=0.99, epsilon=1e-3, scale=1.0, shift=0.0):
    c = x[-1]

    def inputs():
        return {"x": Input(x, scale, shift), "gamma": Input([c], 0.5, 1.0), "beta": Input([c], 0.1),
                "moving_mean": Input([c], 0.1, shift), "moving_variance": Input([c], 0.5, 1.0)}

    attributes = {"momentum": momentum, "epsilon": epsilon}

    def train(x, gamma, beta, moving_mean, moving_variance):
        layer = keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon)
        y, moved = set_and_call(layer, x, (gamma, beta, moving_mean, moving_variance), training=True)
        n = int(np.prod(x.shape[:-1]))
        unbiased = np.var(x, axis=tuple(range(x.ndim - 1))) * (n / (n - 1) if x.ndim == 4 else 1)
        return {"y": y, "moving_mean": moved[0], "moving_variance": moved[1],
                "moving_variance_keras2": moving_variance * momentum + unbiased * (1 - momentum)}

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
    case(f"layer_norm_{name}", "layer_norm",
         lambda x, gamma, beta: set_and_call(keras.layers.LayerNormalization(epsilon=epsilon), x, (gamma, beta))[0],
         {"x": Input(shape, 2.0, 0.5), "gamma": Input(shape[-1:], 0.5, 1.0), "beta": Input(shape[-1:], 0.1)},
         {"epsilon": epsilon})

for mode in "max", "average":
    pool = getattr(ops, f"{mode}_pool")
    for name, shape, k, s, padding, shift in (
        ("k3_s2_same_even", [2, 6, 8, 3], 3, 2, "same", 0.0),
        ("k3_s2_same_odd", [1, 7, 5, 3], 3, 2, "same", 0.0),
        ("k3_s2_same_all_negative", [1, 6, 5, 2], 3, 2, "same", -2.0),
        ("k3_s1_same_all_negative", [1, 4, 5, 2], 3, 1, "same", -2.0),
        ("k3_s2_valid_even", [1, 8, 6, 3], 3, 2, "valid", 0.0),
        ("k2_s2_valid_odd", [2, 7, 5, 3], 2, 2, "valid", 0.0),
        ("k2_s2_same_odd", [1, 5, 7, 17], 2, 2, "same", 0.0),
    ):
        case(f"{mode}_pool_{name}", f"{mode}_pool", lambda x: pool(x, k, s, padding), {"x": Input(shape, 1.0, shift)},
             {"size": [k, k], "stride": [s, s], "padding": padding})
    layer = getattr(keras.layers, f"Global{mode.capitalize()}Pooling2D")()
    case(f"global_{mode}_pool", f"global_{mode}_pool", layer, {"x": Input([2, 3, 4, 5])})
    case(f"global_{mode}_pool_all_negative", f"global_{mode}_pool", layer, {"x": Input([2, 2, 3, 3], 1.0, -2.0)})

for size in (2, 2), (2, 3):
    case(f"upsample_{size[0]}x{size[1]}", "upsample", keras.layers.UpSampling2D(size, interpolation="nearest"),
         {"x": Input([2, 2, 3, 3])}, {"size": list(size)})
for pads in [[0, 1], [0, 1]], [[1, 2], [1, 2]], [[3, 0], [1, 4]]:
    case("zero_pad_" + "_".join(f"{a}{b}" for a, b in pads), "zero_pad", keras.layers.ZeroPadding2D(pads),
         {"x": Input([2, 3, 2, 3])}, {"pads": pads})
for shape in [3, 5], [2, 3, 4], [2, 2, 3, 4]:
    case(f"dense_{len(shape)}d", "dense", lambda x, w, b: set_and_call(keras.layers.Dense(6), x, (w, b))[0],
         {"x": Input(shape), "w": Input([shape[-1], 6], 0.5), "b": Input([6], 0.2)})

for name, shape, axes, scale in (("last", [3, 5], [-1], 3.0), ("last_4d", [2, 2, 3, 4], [-1], 3.0),
                                 ("two_axes", [2, 3, 4, 5], [2, 3], 3.0), ("middle", [2, 3, 4], [1], 3.0),
                                 ("large", [2, 6], [-1], 300.0)):
    case(f"softmax_{name}", "softmax", keras.layers.Softmax(axis=tuple(axes) if len(axes) > 1 else axes[0]),
         {"x": Input(shape, scale)}, {"axes": axes})


def cross_entropy(from_logits):
    def function(labels, **given):
        rows = ops.sparse_categorical_crossentropy(labels, next(iter(given.values())), from_logits=from_logits)
        return {"per_sample": rows, "loss": ops.mean(rows)}

    return function


for name, scale in ("", 2.0), ("_large", 60.0):
    case(f"cross_entropy{name}", "cross_entropy", cross_entropy(True),
         {"logits": Input([5, 3], scale), "labels": Input(values=[0, 2, 1, 1, 0], constant=True)}, {}, "loss")
# log(clip(p, 1e-7, 1 - 1e-7)), then a softmax cross-entropy of those (so unnormalised rows are renormalised);
# the clip passes no gradient outside its range.
case("cross_entropy_probabilities", "cross_entropy_probabilities", cross_entropy(False),
     {"probabilities": Input(values=[[0.2, 0.3, 0.5], [1e-9, 0.4, 0.6], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0],
                                     [0.25, 0.25, 0.125]]),
      "labels": Input(values=[0, 0, 0, 2, 1], constant=True)}, {"epsilon": 1e-7}, "loss")


def binary_cross_entropy(from_logits):
    def function(targets, **given):
        rows = ops.mean(ops.binary_crossentropy(targets, next(iter(given.values())), from_logits=from_logits), -1)
        return {"per_sample": rows, "loss": ops.mean(rows)}

    return function


targets = [[1.0], [0.0], [0.97], [0.02], [1.0], [0.0]]
soft = Input(values=targets)
soft.constant = True
case("binary_cross_entropy", "binary_cross_entropy", binary_cross_entropy(True),
     {"logits": Input(values=[[2.0], [-1.5], [0.25], [-0.5], [-60.0], [45.0]]), "targets": soft}, {}, "loss")
case("binary_cross_entropy_probabilities", "binary_cross_entropy_probabilities", binary_cross_entropy(False),
     {"probabilities": Input(values=[[0.9], [0.2], [0.5], [0.01], [1e-9], [1.0]]), "targets": soft},
     {"epsilon": 1e-7}, "loss")

points = [-800.0, -90.0, -20.0, -3.0, -1.2, -0.7, -0.1, -1e-4, 1e-4, 0.1, 0.7, 1.2, 3.0, 20.0, 90.0, 800.0]
slope = 0.2
for name, function in {
    "relu": ops.relu, "swish": ops.silu, "sigmoid": ops.sigmoid, "tanh": ops.tanh,
    "gelu": lambda x: ops.gelu(x, approximate=False),
    # the kernel behind ops.leaky_relu keeps its slope in float32
    "leaky_relu": lambda x: ops.maximum(x, 0.0) + slope * ops.minimum(x, 0.0),
}.items():
    attributes = {"slope": slope} if name == "leaky_relu" else {}
    case(f"{name}_points", name, function, {"x": Input(values=points)}, attributes)
    case(f"{name}_tail", name, function, {"x": Input([3, 11], 4.0)}, attributes)
assert np.allclose(ops.leaky_relu(np.array(points), slope), ops.maximum(points, 0) + slope * ops.minimum(points, 0))

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
    assert [tuple(v.shape) for v in attention.trainable_variables] == [w.value.shape for w in weights.values()]
    case(f"multi_head_attention{name}", "multi_head_attention", attend, {"x": Input(shape), **weights},
         {"heads": heads, "key_dim": depth, "value_dim": depth})


def squeeze_excite(x, **w):
    s = ops.mean(x, (1, 2), keepdims=True)
    s = ops.silu(ops.conv(s, w["reduce.kernel"]) + w["reduce.bias"])
    return x * ops.sigmoid(ops.conv(s, w["expand.kernel"]) + w["expand.bias"])


case("squeeze_excite", "squeeze_excite", squeeze_excite,
     {"x": Input([2, 5, 4, 8]), "reduce.kernel": Input([1, 1, 8, 2]), "reduce.bias": Input([2], 0.2),
      "expand.kernel": Input([1, 1, 2, 8]), "expand.bias": Input([8], 0.2)})


def input_pipeline(form):
    def function(x):
        x = keras.layers.Rescaling(1 / 255)(x)
        deviation = [0.229, 0.224, 0.225]
        if form == "imagenet":
            x = keras.layers.Normalization(mean=[0.485, 0.456, 0.406], variance=deviation)(x)
            x = keras.layers.Rescaling([1 / np.sqrt(s) for s in deviation])(x)
        return x

    return function


for form in "imagenet", "plain":
    case(f"input_{form}", "input", input_pipeline(form), {"x": Input([2, 2, 3, 3], 127.5, 127.5)}, {"form": form})


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
    optimizer(name, lambda: keras.optimizers.Adam(rate, beta_1=beta), adam_slots,
              {"rate": rate, "beta1": beta, "beta2": 0.999, "epsilon": 1e-7})
for name, momentum, nesterov in ("sgd", 0.0, False), ("sgd_momentum", 0.9, False), ("sgd_nesterov", 0.9, True):
    optimizer(name, lambda: keras.optimizers.SGD(0.01, momentum, nesterov), {"m": "momentums"} if momentum else {},
              {"rate": 0.01, "momentum": momentum, "nesterov": nesterov})

if __name__ == "__main__":
    options = formula.arguments(__doc__.splitlines()[0]).parse_args()
    framework = f"keras {keras.__version__}, tensorflow {tf.__version__}, float64"
    formula.save("layers", {"framework": framework, "cases": cases}, options.check)

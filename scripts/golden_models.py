"""Makes tests/golden/data/<model>.json: whole models in Keras 3, float64, with float32 as a yardstick.

Weights are float32 values of a formula (golden_keras.formula_weight), images those of golden_formula.images,
labels (n + 1) mod 3. Each record has its own gain. Dropout and drop-connect are off throughout.
`form` is the input pipeline: "imagenet" has normalization and rescaling_1, "plain" only divides by 255.

    parameters  [[name, kind, fan_in], ...] in Keras' order; a tensor's index is its place here
    forward     [{size, batch, form, pooling, gain, logits, probabilities, loss, f32_logits}], inference mode
    trace       {size, batch, gain, layers: [[name, shape, mean, mean |y|, 8 values], ...]}, inference mode
    training    [{mode, size, batch, gain, rate, losses, f32_losses, f32_bounds,
                  gradients, f32_gradient_error, moving, changes, f32_change_error}], Adam
                The rows of gradients, moving and changes are [index, l2 norm, [4 values]].

Modes (the paper's phases): "finetune" trains all but normalisation layers, which use moving statistics;
"transfer" trains the head, its batch norms on batch statistics, the base in inference mode; "scratch" trains
all on batch statistics. `losses[k]` is the loss before update k + 1. `gradients`: those of losses[0].
`moving`: the statistics that the first forward pass changed (biased variance, Keras 3). `changes`:
parameters after the last update minus their start. `f32_..._error[j]`: relative l2 distance between Keras in
float32 and float64 for row j; `f32_bounds[k]` = 4 max over steps <= k of |float32 - float64|, at least
4 x 2^-23 of the loss; in scratch both are the largest of several batches.

How far float32 is off is one draw of a random quantity, and a single run may come out near the exact value by
chance: on batch statistics, and where a ReLU's input lies within rounding of 0. Over 40 batches of these
pictures the first scratch loss of aeganb3_noattention is off by 5.3e-6 in the root of the mean square (6.5e-6
with oneDNN; Sonograd's cpu 5.1e-6), by 1.9e-6 for the first batch and 1.4e-5 for the worst. So scratch is
measured on four batches and the largest distances are kept. `--widen` does that again, and the first step of
the other modes, in another process, which may have other threads or oneDNN: from one to the next
efficientnetb0's first scratch loss is 2.1e-7, 3.3e-7 or 5.0e-7 off. The files of the EfficientNets have seen
the first scratch batch in three more processes (1 and 2 threads with oneDNN, 2 without), those of DenseNet and
Xception the first step of fine-tuning in one more, and that of vit_b32 the first steps of fine-tuning and
transfer on all four batches:

    TF_ENABLE_ONEDNN_OPTS=1 python3 scripts/golden_models.py --widen --threads 1

Values are at the flat indices j * (n - 1) // (m - 1), as in golden_formula.result.

Gradients that are zero by algebra hold rounding noise: in scratch mode those of every project_bn.beta that
only 1x1 convolutions with a batch norm behind them read (all but B3's block1a); the value and output biases
of the attention where batch_normalization_1 uses batch statistics; an attention's key bias always.
"""

import functools
import json
import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import tensorflow as tf

import golden_formula as formula
import golden_keras as zoo

# With fixed statistics signals die or explode with depth; at these gains the logits are near 1 and depend on
# the image. At 0.7 they hardly do, but one pass has that gain to compare with Keras numbers made elsewhere.
GAINS = {
    "efficientnetb0": {"imagenet": {64: 2.1, 75: 2.05, 224: 1.95}, "plain": {64: 2.3}},
    "efficientnetb3": {"imagenet": {64: 1.77, 75: 1.75, 224: 1.66}, "plain": {64: 1.95}},
}
MODELS = ("efficientnetb0", "efficientnetb3", "aeganb3", "aeganb3_noattention")
SMALL = 64
# The paper's other models take pixels as they are, and one gain serves all of their sizes.
ROUNDS = {  # gain, passes (size, batch); the last size is that of the trainings
    "densenet169": (0.7, ((224, 1), (75, 1), (75, 3), (64, 2))),
    "xception": (0.5, ((224, 1), (80, 1), (77, 3), (71, 2))),
    "vit_b16": (1.0, ((224, 1), (48, 1), (48, 3), (32, 2))),
    "vit_b32": (1.0, ((224, 1), (96, 1), (96, 3), (64, 2))),
}
MAX_POOLED = ("densenet169", "xception")  # the paper's baselines last used it: one pass at the last size
PASSES = (
    (224, 1, "imagenet", 0.7),
    (224, 1, "imagenet"),
    (75, 2, "imagenet"),
    (75, 3, "imagenet"),
    (SMALL, 2, "imagenet"),
    (SMALL, 2, "plain"),
)
TRAINING = (
    ("finetune", 224, 1, 1e-5, 0),
    ("finetune", SMALL, 4, 1e-5, 10),
    ("transfer", SMALL, 4, 1e-3, 10),
    ("scratch", SMALL, 4, 1e-3, 2),
)  # mode, size, batch, rate, steps
# In transfer: at 1e-3 these heads know four images by heart after one step.
HEAD_RATES = {"aeganb3": 1e-4, "aeganb3_noattention": 1e-5}
ROUND_TRAINING = (("finetune", 2, 1e-5, 10), ("transfer", 2, 1e-3, 10), ("scratch", 4, 1e-3, 2))
# Batch b: pictures b * count to (b + 1) * count - 1. All numbers but the distances are of batch 0.
SCRATCH_BATCHES = 4
DTYPES = ("float32", "float64")
TRACED = (
    "Conv2D",
    "DepthwiseConv2D",
    "BatchNormalization",
    "Activation",
    "Multiply",
    "Add",
    "Rescaling",
    "Normalization",
    "MultiHeadAttention",
    "SeparableConv2D",
    "MaxPooling2D",
    "AveragePooling2D",
    "Concatenate",
    "ClassToken",
    "AddPositionEmbs",
    "TransformerBlock",
    "LayerNormalization",
    "GlobalAveragePooling2D",
    "Dense",
)


class Golden:
    """A model with a linear last layer, in one dtype."""

    def __init__(self, name, size, dtype, form="imagenet", pooling="average"):
        keras.config.set_floatx(dtype)
        self.name, self.form, self.size, self.dtype, self.pooling = name, form, size, dtype, pooling
        self.model = zoo.make_model(name, size, form, pooling=pooling)
        self.model.layers[-1].activation = keras.activations.linear
        self.variables = [v for _, _, v in zoo.tensors(self.model)]
        assert self.variables[3].dtype == dtype
        self.index = {v.path: i for i, v in enumerate(self.variables)}

    def start(self, mode, gain=None):
        """Formula weights, and the layers that the mode trains."""
        keras.config.set_floatx(self.dtype)
        if self.name in ROUNDS:
            self.gain = gain or ROUNDS[self.name][0]
        else:
            self.gain = gain or GAINS.get(self.name, GAINS["efficientnetb3"])[self.form][self.size]
        zoo.load_formula(self.model, self.gain, plain=self.form == "plain")
        self.training = mode != "inference"
        base = zoo.base_layers(self.model)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
            if isinstance(layer, keras.layers.MultiHeadAttention):
                layer._dropout_layer.rate = 0.0
            normalisation = isinstance(
                layer, (keras.layers.BatchNormalization, keras.layers.LayerNormalization)
            )
            layer.trainable = mode == "scratch" or (
                not normalisation if mode == "finetune" else layer not in base
            )
        return self

    def batch(self, count, number=0):
        first, last = number * count, (number + 1) * count
        pictures = formula.images(last, self.size)[first:]
        return tf.constant(pictures, self.dtype), np.arange(first + 1, last + 1) % 3

    def loss(self, x, labels):
        logits = self.model(x, training=self.training)
        return tf.reduce_mean(
            keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        ), logits

    def moving(self):
        names = ("moving_mean", "moving_variance")
        return {i: np.asarray(v.value, np.float64) for i, v in enumerate(self.variables) if v.name in names}

    def train(self, count, rate, steps, number=0):
        """Losses, first gradients, statistics that the first pass changed, changes of the parameters."""
        x, labels = self.batch(count, number)
        variables = self.model.trainable_variables
        values = [v.value for v in variables]
        named = lambda tensors: {
            self.index[v.path]: np.asarray(t, np.float64) for v, t in zip(variables, tensors)
        }

        def value_and_gradients(x):
            with tf.GradientTape() as tape:
                loss, _ = self.loss(x, labels)
            return loss, tape.gradient(loss, values)

        before, statistics = named(values), self.moving()
        loss, gradients = value_and_gradients(x)
        moved = {i: s for i, s in self.moving().items() if np.any(s != statistics[i])}
        losses, first = [float(loss)], named(gradients)
        optimizer = keras.optimizers.Adam(rate)
        for _ in range(steps):
            optimizer.apply(gradients, variables)
            if len(losses) < steps:
                loss, gradients = value_and_gradients(x)
                losses.append(float(loss))
        return losses, first, moved, {i: v - before[i] for i, v in named(values).items()}


def rows(tensors, digits):
    return [
        [i, formula.round_to(np.linalg.norm(t), digits), formula.pick(t, 4, digits)]
        for i, t in tensors.items()
    ]


def errors(f32, f64):
    return [
        formula.round_to(np.linalg.norm(f32[i] - f64[i]) / max(np.linalg.norm(f64[i]), 1e-300), 2)
        for i in f64
    ]


def forward(goldens, batch, gain=None):
    logits, loss = {}, {}
    for dtype, golden in goldens.items():
        loss[dtype], logits[dtype] = golden.start("inference", gain).loss(*golden.batch(batch))
    logits, f32 = (np.asarray(logits[d], np.float64) for d in ("float64", "float32"))
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return {
        "size": golden.size,
        "batch": batch,
        "form": golden.form,
        "pooling": golden.pooling,
        "gain": golden.gain,
        "logits": formula.pick(logits, logits.size, 15),
        "probabilities": formula.pick(probabilities, logits.size, 15),
        "loss": float(loss["float64"]),
        "f32_logits": formula.pick(f32, logits.size, 9),
    }


def trace(golden, batch):
    golden.start("inference")
    layers = [layer for layer in golden.model.layers if type(layer).__name__ in TRACED]
    outputs = keras.Model(golden.model.input, [layer.output for layer in layers])(golden.batch(batch)[0])
    return {
        "size": golden.size,
        "batch": batch,
        "gain": golden.gain,
        "layers": [
            [
                layer.name,
                list(y.shape),
                formula.round_to(np.mean(y), 12),
                formula.round_to(np.mean(np.abs(y)), 12),
                formula.pick(y, 8, 12),
            ]
            for layer, y in zip(layers, outputs)
        ],
    }


def distances(f32, f64):
    """What two runs of Golden.train give for the fields f32_bounds, f32_gradient_error, f32_change_error."""
    apart = np.maximum.accumulate(np.abs(np.subtract(f32[0], f64[0])))
    bounds = 4 * np.maximum(apart, 2.0**-23 * np.abs(f64[0]))
    return [formula.round_to(b, 3) for b in bounds], errors(f32[1], f64[1]), errors(f32[3], f64[3])


def training(goldens, mode, batch, rate, steps):
    f32, f64 = (goldens[d].start(mode).train(batch, rate, steps) for d in DTYPES)
    bounds, gradient_error, change_error = distances(f32, f64)
    golden = goldens["float64"]
    entry = {
        "mode": mode,
        "size": golden.size,
        "batch": batch,
        "gain": golden.gain,
        "rate": rate,
        "losses": f64[0],
        "f32_losses": f32[0],
        "f32_bounds": bounds,
        "gradients": rows(f64[1], 10),
        "f32_gradient_error": gradient_error,
    }
    if steps:
        entry |= {
            "moving": rows(f64[2], 10),
            "changes": rows(f64[3], 8),
            "f32_change_error": change_error,
        }
    return entry


@functools.lru_cache(maxsize=None)
def pair(name, size, form, pooling="average"):
    return {dtype: Golden(name, size, dtype, form, pooling) for dtype in DTYPES}


def plan(name):
    """Passes (size, batch, form[, gain]), trainings (mode, size, batch, rate, steps), size of the trace."""
    if name in ROUNDS:
        small = ROUNDS[name][1][-1][0]
        passes = [(size, batch, "raw") for size, batch in ROUNDS[name][1]]
        return passes, [(mode, small, *facts) for mode, *facts in ROUND_TRAINING], small
    small_only = name == "aeganb3_noattention"  # the rest of it is in the other files
    passes = [p for p in PASSES if p[0] < 224 or not small_only]
    rounds = [t for t in TRAINING if t[1] == SMALL or not small_only]
    if name in HEAD_RATES:
        rounds = [(*t[:3], HEAD_RATES[name], t[4]) if t[0] == "transfer" else t for t in rounds]
    return passes, rounds, SMALL


def golden_file(name):
    passes, rounds, small = plan(name)
    form = "raw" if name in ROUNDS else "imagenet"
    tensors = zoo.tensors(pair(name, small, form)["float64"].model)
    parameters = [(zoo.our_name(layer, inner), v.shape) for layer, inner, v in tensors]
    forwards = [forward(pair(name, size, form), batch, *gain) for size, batch, form, *gain in passes]
    if name in MAX_POOLED:
        forwards.append(forward(pair(name, small, form, "max"), 2))
    return {
        "framework": f"keras {keras.__version__}, tensorflow {tf.__version__}, float64",
        "model": name,
        "parameters": [[n, *zoo.formula_kind(n, shape)] for n, shape in parameters],
        "forward": forwards,
        "trace": trace(pair(name, small, form)["float64"], 2),
        "training": [training(pair(name, size, form), mode, *facts) for mode, size, *facts in rounds],
    }


def widened(content):
    """Keeps the largest distances between float32 and float64: in scratch over several batches."""
    name = content["model"]
    keys = ("f32_bounds", "f32_gradient_error", "f32_change_error")
    for entry in content["training"]:
        goldens = pair(name, entry["size"], "raw" if name in ROUNDS else "imagenet")
        scratch = entry["mode"] == "scratch"
        facts = (entry["batch"], entry["rate"], len(entry["losses"]) if scratch else 0)
        for number in range(SCRATCH_BATCHES if scratch else 1):
            runs = (goldens[d].start(entry["mode"]).train(*facts, number) for d in DTYPES)
            for key, values in zip(keys, distances(*runs)):
                if key in entry:
                    entry[key] = np.maximum(entry[key], values).tolist()
    return content


if __name__ == "__main__":
    parser = formula.arguments(__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=(*MODELS, *ROUNDS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--widen", action="store_true", help="measure float32 again: keep the largest errors")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel("ERROR")
    formula.exact_doubles(tf)
    for model in options.models:
        committed = formula.DATA / f"{model}.json"
        content = json.loads(committed.read_text()) if options.widen else golden_file(model)
        formula.save(model, widened(content), options.check)
        pair.cache_clear()

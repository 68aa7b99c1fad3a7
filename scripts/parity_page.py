"""Makes docs/parity.md from the lines that the tests write about their comparisons (tests/models/parity.h):

    SONOGRAD_FULL=1 SONOGRAD_PARITY_OUT=parity.jsonl build/release/tests/models_tests
    python3 scripts/parity_page.py parity.jsonl > docs/parity.md
"""

import itertools
import json
import sys

INTRODUCTION = """# Parity

The same weights and pictures in Sonograd and in {frameworks}, made by

```
SONOGRAD_FULL=1 SONOGRAD_PARITY_OUT=parity.jsonl build/release/tests/models_tests
python3 scripts/parity_page.py parity.jsonl > docs/parity.md
```

with sonograd {sonograd}, oneDNN {onednn}, {instruction_set}, {threads} threads. The other side's numbers lie in
`tests/golden/data`, made in float64 by `scripts/golden_*.py`; weights and pictures are formulas that both sides
compute. Each number here is held to its bound by the tests, most of them in every run of `./run test`.

A row gives the largest absolute and the largest relative difference over all values, batches and image sizes.
Each value has a bound of its own: the tightest value is the one whose difference is the largest part of its
bound, and the last two columns of a side give that bound, relative, and the part. The largest difference is
often that of another value, under a wider bound; a test fails where the part exceeds 100 %. What differences
are relative to: logits to the largest logit, probabilities to 1, a layer's outputs to the mean of their sizes,
losses to the run's largest; gradients, moving averages and changes to the l2 norm of the parameter's. *Changes*
are those of the parameters over all steps of Adam; their absolute difference is in units of the learning rate.
Parameters whose gradient is zero by algebra (golden_models.py names them) are left out.

In f32 the bounds of training are 4 times what Keras in float32 differs from Keras in float64 on the same run
(from scratch, where that scatters most, the largest of several batches), for tensors at least 2e-6; in
inference they are 2e-5, for a layer's outputs 1e-4. The reference in f64 is held to 1e-10 (gradients and moving
averages 1e-8), and to 5e-6 of the logits that Keras gives in float32. Of efficientnetb0 it runs every step, not
the first alone: what is compared of these runs has, but for the losses, the bound 1e-7.
"""
SECTIONS = (  # framework, phase, title
    ("keras", "inference", "Keras: inference"),
    ("keras", "transfer", "Keras: transfer (the head trains, the base is frozen)"),
    ("keras", "finetune", "Keras: fine-tuning (all trains but the normalisation layers)"),
    ("keras", "scratch", "Keras: from scratch (all trains, on batch statistics)"),
    ("timm", "inference", "timm: inference, from one weight file under timm's names"),
)
MODELS = (
    *("aeganb3", "aeganb3_noattention", "densenet169", "xception", "vit_b16", "vit_b32"),
    *("efficientnetb0", "efficientnetb3", "densenet121", "vit_s16"),
)
QUANTITIES = (
    *("logits", "logits (Keras in f32)", "probabilities", "loss", "losses of 2 steps", "losses of 10 steps"),
    *("layer outputs", "gradients", "moving averages", "changes"),
)
SIDES = (("f32", "cpu"), ("f64", "reference"))
HEADER = """
| model | quantity | pixels | f32, cpu: largest absolute | largest relative | bound of the tightest value | used of it | f64: largest absolute | largest relative | bound of the tightest value | used of it |
|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
"""


def number(value):
    return f"{value:.1e}".replace("e-0", "e-").replace("e+00", "")


def merged(lines):
    """The lines about one quantity as one: the largest differences; bound and share of the tightest value."""
    tightest = max(lines, key=lambda line: line["share"])
    return tightest | {key: max(line[key] for line in lines) for key in ("absolute", "relative")}


def cells(lines):
    if not lines:
        return ["", "", "", ""]
    line = merged(lines)
    numbers = [number(line[key]) for key in ("absolute", "relative", "tolerance")]
    return [*numbers, f"{100 * line['share']:.0f} %"]


def table(lines):
    for model, quantity in itertools.product(MODELS, QUANTITIES):
        rows = [line for line in lines if (line["model"], line["quantity"]) == (model, quantity)]
        if not rows:
            continue
        sides = [[r for r in rows if (r["type"], r["device"]) == side] for side in SIDES]
        pixels = ", ".join(map(str, sorted({r["size"] for r in rows})))
        f32, f64 = map(cells, sides)
        yield f"| {' | '.join([model, quantity, pixels, *f32, *f64])} |"


def versions(lines, key):
    return "; ".join(dict.fromkeys(str(line[key]) for line in lines))


if __name__ == "__main__":
    lines = [json.loads(text) for path in sys.argv[1:] for text in open(path)]
    facts = {key: versions(lines, key) for key in ("sonograd", "onednn", "instruction_set", "threads")}
    print(INTRODUCTION.format(frameworks=versions(lines, "framework"), **facts), end="")
    for framework, phase, title in SECTIONS:
        found = [line for line in lines if line["framework"].startswith(framework) and line["phase"] == phase]
        if found:
            print(f"\n## {title}\n{HEADER}" + "\n".join(table(found)))

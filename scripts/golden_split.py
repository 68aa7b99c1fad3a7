#!/usr/bin/env python3
"""Golden numbers of scikit-learn for data/stratified.h: tests/golden/data/split.json.

Needs numpy and scikit-learn. Run from the root of the project: python3 scripts/golden_split.py
"""
import hashlib
import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.model_selection import train_test_split


def case(counts, fraction, seed, interleaved=False):
    labels = np.repeat(np.arange(len(counts)), counts)
    if interleaved:  # the order a file list may give: every label at position 7·i mod n
        labels = labels[np.arange(len(labels)) * 7 % len(labels)]
    first, second = train_test_split(np.arange(len(labels)), test_size=fraction, random_state=seed, stratify=labels)
    return {
        "counts": counts, "fraction": fraction, "seed": seed, "interleaved": interleaved,
        "first": first.tolist(), "second": second.tolist(),
    }  # fmt: skip


def digest(places):
    return hashlib.sha256(",".join(map(str, places)).encode()).hexdigest()


def paper(counts, added, copies=None):
    """The notebook's two splits over originals, then what was added to each class; positions in that list.

    `copies`: passes of augmentation, each over a class's originals in their order; images of one original are relatives.
    """
    labels = np.concatenate([np.repeat(np.arange(len(counts)), n) for n in (counts, added)])
    train, rest = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=42, stratify=labels)
    validation, test = train_test_split(rest, test_size=0.5, random_state=42, stratify=labels[rest])
    result = {
        "counts": counts, "added": added,
        "sizes": [len(train), len(validation), len(test)],
        "sha256": [digest(train), digest(validation), digest(test)],
        "added_in_test": int((test >= sum(counts)).sum()),
    }  # fmt: skip
    if copies:
        starts = np.cumsum([0, *counts])
        origin = list(range(sum(counts)))
        for label, passes in enumerate(copies):
            origin += list(range(starts[label], starts[label + 1])) * passes
        origin = np.array(origin)
        result["with_relative_in_train"] = [
            int(np.isin(origin[part], origin[train]).sum()) for part in (validation, test)
        ]
    return result


cases = [
    case([5, 5, 5], 0.2, 42), case([437, 133, 210], 0.2, 42), case([437, 133, 210], 0.2, 7, True),
    case([2, 2], 0.5, 0), case([10, 10, 10, 10, 10, 10, 10], 0.3, 1), case([3, 17, 29], 0.1, 123456789),
    case([11, 12, 13], 0.25, 4294967295, True), case([33, 34], 0.015, 42), case([100, 101, 99, 3], 0.5, 5),
]  # fmt: skip
benign, normal, malignant = 437, 133, 210
papers = []
for counts, added, generated in (
    ([benign, normal, malignant], [3 * benign, 10 * normal, 6 * malignant], [920, 1200, 1120]),
    ([benign, malignant, normal], [3 * benign, 6 * malignant, 10 * normal], [920, 1120, 1200]),
):
    papers += [
        paper(counts, [0, 0, 0]),
        paper(counts, added, [a // n for a, n in zip(added, counts)]),
        paper(counts, generated),
    ]
golden = {"made_with": f"scikit-learn {sklearn.__version__}", "cases": cases, "paper": papers}
text = json.dumps(golden, separators=(",", ":")).replace('{"counts"', '\n{"counts"')
Path("tests/golden/data/split.json").write_text(text + "\n")

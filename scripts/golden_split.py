#!/usr/bin/env python3
"""Golden numbers of scikit-learn for data/stratified.h: tests/golden/data/split.json.

Needs numpy and scikit-learn. Run from the root of the project: python3 scripts/golden_split.py
"""
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


def paper(counts):
    """The notebook's two splits; positions in the list of all images, classes one after the other."""
    labels = np.repeat(np.arange(len(counts)), counts)
    train, rest = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=42, stratify=labels)
    validation, test = train_test_split(rest, test_size=0.5, random_state=42, stratify=labels[rest])
    return {"counts": counts, "train": train.tolist(), "validation": validation.tolist(), "test": test.tolist()}


cases = [
    case([5, 5, 5], 0.2, 42), case([437, 133, 210], 0.2, 42), case([437, 133, 210], 0.2, 7, True),
    case([2, 2], 0.5, 0), case([10, 10, 10, 10, 10, 10, 10], 0.3, 1), case([3, 17, 29], 0.1, 123456789),
    case([11, 12, 13], 0.25, 4294967295, True), case([33, 34], 0.015, 42), case([100, 101, 99, 3], 0.5, 5),
]  # fmt: skip
golden = {"made_with": f"scikit-learn {sklearn.__version__}", "cases": cases, "paper": paper([437, 133, 210])}
text = json.dumps(golden, separators=(",", ":")).replace('{"counts"', '\n{"counts"')
Path("tests/golden/data/split.json").write_text(text + "\n")

"""The formulas that stand in for stored data: Python and C++ both compute them.

    fmix32(h): h ^= h >> 16; h *= 0x85EBCA6B; h ^= h >> 13; h *= 0xC2B2AE35; h ^= h >> 16        (mod 2^32)
    u(k, i)  = fmix32(i * 0x85EBCA77 + k * 0x9E3779B1 + 0x27D4EB2F mod 2^32) / 2^32              in [0, 1)
    tensor   = shift + scale * (2 u(k, i) - 1)          k: the tensor's key, i: flat row-major index
    dot(t)   = sum_i t_i * (2 u(77, i) - 1)             one number that every element of a result changes
    image    = ((3x + 5y + 40c + 17n) XOR ((x * y) >> 4)) AND 255      n: index in the batch

A result is written as {"shape", "values", "dot"}: `values` are at the flat indices j * (n - 1) // (m - 1),
j = 0..m-1, m = number of values (m == n: all of them).
"""

import argparse
import functools
import json
import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "tests" / "golden" / "data"
DOT_KEY = 77


@functools.lru_cache(maxsize=None)
def u(key, count):
    h = np.arange(count, dtype=np.uint32) * np.uint32(0x85EBCA77)  # uint32 wraps round
    h += np.uint32(key * 0x9E3779B1 + 0x27D4EB2F & 0xFFFFFFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h / 2.0**32


def tensor(key, shape, scale=1.0, shift=0.0):
    return (shift + scale * (2 * u(key, int(np.prod(shape))) - 1)).reshape(shape)


def images(batch, size):
    n, y, x, c = np.meshgrid(*map(np.arange, (batch, size, size, 3)), indexing="ij")
    return (((3 * x + 5 * y + 40 * c + 17 * n) ^ ((x * y) >> 4)) & 255).astype(np.float64)


def round_to(value, digits):
    return float(f"{float(value):.{digits}g}")


def pick(values, most, digits):
    flat = np.asarray(values, np.float64).ravel()
    at = [j * (flat.size - 1) // (most - 1) for j in range(most)] if flat.size > most else range(flat.size)
    return [round_to(flat[i], digits) for i in at]


def result(values, most=16, digits=14):
    flat = np.asarray(values, np.float64).ravel()
    return {
        "shape": list(np.shape(values)),
        "values": pick(flat, flat.size if flat.size <= most + 10 else most, digits),
        "dot": round_to(flat @ (2 * u(DOT_KEY, flat.size) - 1), digits),
    }


def exact_doubles(tf):
    """TensorFlow turns a Python float into float32 before it casts it to float64; keep all of its digits."""
    from tensorflow.python.ops import math_ops

    narrow = math_ops.cast

    def cast(x, dtype, name=None):
        if isinstance(x, (float, list, tuple, np.ndarray)) and tf.as_dtype(dtype) == tf.float64:
            return tf.constant(x, tf.float64)
        return narrow(x, dtype, name)

    tf.cast = math_ops.cast = cast


def differences(old, new, path=""):
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            if not key.startswith("f32_"):  # differs with the machine
                yield from differences(old[key], new[key], f"{path}/{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, pair in enumerate(zip(old, new)):
            yield from differences(*pair, f"{path}/{i}")
    elif isinstance(old, float) and isinstance(new, (int, float)):
        if abs(old - new) > 1e-9 * abs(old) + 1e-12:
            yield f"{path}: {old} is now {new}"
    elif old != new and not path.endswith("/framework"):
        yield f"{path}: {str(old)[:60]} is now {str(new)[:60]}"


def save(name, content, check):
    """Writes tests/golden/data/<name>.json, or compares with it (`--check`) and exits 1 on a difference."""
    path = DATA / f"{name}.json"
    if check:
        found = list(differences(json.loads(path.read_text()), json.loads(json.dumps(content))))
        print(f"{path.name}: {len(found)} differences", *found[:20], sep="\n  ")
        if found:
            sys.exit(1)
        return
    rows = []
    for key, value in content.items():
        if isinstance(value, list):
            body = "[\n" + ",\n".join(compact(v) for v in value) + "\n]"
        else:
            body = compact(value)
        rows.append(f"{json.dumps(key)}:{body}")
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    return parser

"""How `sonograd bench` grows with the batch and with the threads.

By batch: milliseconds an image, which should not grow. By threads: the speed-up over one thread beside what the
machine allows, which is, over the ops, the larger of an op's FLOP time and byte time at the limits that the
benchmark measures at each number of threads. Amdahl's law T(n) = T(1) (s + (1 - s) / n), fitted by least squares
to what was measured, tells what more cores would give if memory kept up. Standard library only.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

BINARY = str(Path(__file__).resolve().parents[1] / "build" / "release" / "apps" / "sonograd")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sonograd", default=BINARY, help="our binary (default: build/release/apps/sonograd)")
    parser.add_argument("--model", action="append", help="may be repeated; default: efficientnetb3, vit_b16")
    parser.add_argument("--what", default="train", help="as of `sonograd bench` (default: train)")
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 4, 16, 64])
    parser.add_argument("--threads", type=int, nargs="*", default=sorted({1, 2, os.cpu_count()}))
    parser.add_argument("--batch", type=int, default=16, help="of the runs by threads (default: 16)")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


def measure(options, model, batch, threads, *more):
    words = [options.sonograd, "bench", "--model", model, "--what", options.what, "--json", *more]
    for flag, value in (
        ("batch", batch),
        ("threads", threads),
        ("image-size", options.image_size),
        ("repeat", options.repeat),
    ):
        words += [f"--{flag}", str(value)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"growth: {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def bound_ms(figures):
    """Of all ops at the machine's limits."""
    return sum(row["ms"] * row["share_of_bound"] for row in figures["ops"]["rows"])


def serial_share(times):
    """Amdahl's s of {threads: ms}: the least squares of T(n)/T(1) - 1/n = s (1 - 1/n)."""
    points = [(1 - 1 / n, t / times[1] - 1 / n) for n, t in times.items() if n > 1]
    return sum(x * y for x, y in points) / sum(x * x for x, _ in points)


def main():
    options = arguments()
    most = max(options.threads)
    print(f"| model | {' | '.join(f'ms an image, batch {b}' for b in options.batches)} |")
    print("|---|" + "--:|" * len(options.batches))
    models = options.model or ["efficientnetb3", "vit_b16"]
    for model in models:
        each = [measure(options, model, b, most)["min_ms"] / b for b in options.batches]
        print(f"| {model} | {' | '.join(f'{ms:.1f}' for ms in each)} |", flush=True)
    print("\n| model | threads | ms | speed-up | allowed by the machine | serial share | on 4, 8, 16 cores |")
    print("|---|--:|--:|--:|--:|--:|---|")
    for model in models:
        figures = {n: measure(options, model, options.batch, n, "--ops") for n in {1, *options.threads}}
        times = {n: f["min_ms"] for n, f in figures.items()}
        s = serial_share(times)
        more = ", ".join(f"{1 / (s + (1 - s) / n):.1f}" for n in (4, 8, 16))
        for n, ms in sorted(times.items()):
            last = (f"{100 * s:.0f} %", more) if n == most else ("", "")
            print(
                f"| {model} | {n} | {ms:,.0f} | {times[1] / ms:.2f} "
                f"| {bound_ms(figures[1]) / bound_ms(figures[n]):.2f} | {last[0]} | {last[1]} |",
                flush=True,
            )


main()

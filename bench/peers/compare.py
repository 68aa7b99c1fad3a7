"""Prints our time and memory beside those of PyTorch (efficientnetb*) or Keras (aeganb3*) on the same work.

    compare.py [--sonograd BINARY] [--python PYTHON] [--model M] [--what W] [--batch N] [--rounds R] ...

The two programs run alternately, a process each, so that slow phases of the machine meet both; a round's
figure is the process's own median and the table shows the median over rounds. Memory is the largest peak of
a process. Without a Python that has the peer installed, our figures stand alone. Standard library only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
BINARY = str(FOLDER.parents[1] / "build" / "release" / "apps" / "sonograd")
PEERS = {
    "torch": ("torch_bench.py", "import torch, timm"),
    "keras": ("keras_bench.py", "import keras, tensorflow"),
}
DEFAULT_CASES = [
    (model, what, batch)
    for model in ("efficientnetb3", "aeganb3")
    for what, batch in (("infer", 1), ("infer", 16), ("train", 16))
]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sonograd", default=BINARY, help="our binary (default: build/release/apps/sonograd)"
    )
    parser.add_argument(
        "--python",
        default=os.environ.get("SONOGRAD_PEER_PYTHON", sys.executable),
        help="the Python of the peers (default: $SONOGRAD_PEER_PYTHON, else this one)",
    )
    parser.add_argument("--peer", choices=PEERS, help="default: torch for efficientnetb*, keras for aeganb3*")
    parser.add_argument(
        "--model", action="append", help="may be repeated; default: efficientnetb3 and aeganb3"
    )
    parser.add_argument("--what", action="append", help="may be repeated; default: infer and train")
    parser.add_argument(
        "--batch", action="append", type=int, help="may be repeated; default: 16, for infer 1 as well"
    )
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def cases(options):
    if not (options.model or options.what or options.batch):
        return DEFAULT_CASES
    return [
        (model, what, batch)
        for model in options.model or ("efficientnetb3", "aeganb3")
        for what in options.what or ("infer", "train")
        for batch in options.batch or ((1, 16) if what == "infer" else (16,))
    ]


def peer_of(model, options):
    return options.peer or ("keras" if model.startswith("aeganb3") else "torch")


def installed(python, options):
    """Those of the peers that the cases need and this Python can import."""
    needed = {peer_of(model, options) for model, _, _ in cases(options)}
    found = {
        p for p in needed if subprocess.run([python, "-c", PEERS[p][1]], capture_output=True).returncode == 0
    }
    for peer in sorted(needed - found):
        print(
            f"compare: {python} has no {peer}: our figures alone (see scripts/requirements.txt)",
            file=sys.stderr,
        )
    return found


def run(command, case, options):
    model, what, batch = case
    flags = {
        "--model": model,
        "--what": what,
        "--batch": batch,
        "--image-size": options.image_size,
        "--repeat": options.repeat,
        "--threads": options.threads,
    }
    words = [*command, *(str(word) for flag in flags.items() for word in flag), "--json"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        sys.exit(f"compare: {' '.join(words)}: exit {done.returncode}: {lines[-1]}")
    return json.loads(done.stdout)


def middle(rounds):
    return {
        "median_ms": statistics.median(r["median_ms"] for r in rounds),
        "first_ms": statistics.median(r["first_ms"] for r in rounds),
        "peak_mb": max(r["peak_mb"] for r in rounds),
    }


def compare(case, options, present):
    peer = peer_of(case[0], options)
    commands = {"ours": [options.sonograd, "bench"]}
    if peer in present:
        commands[peer] = [options.python, str(FOLDER / PEERS[peer][0])]
    rounds = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            rounds[name].append(run(command, case, options))
    row = {"model": case[0], "what": case[1], "batch": case[2], "ours": middle(rounds["ours"])}
    if peer in present:
        row |= {"peer": rounds[peer][0]["peer"], "theirs": middle(rounds[peer])}
        row |= {
            "time_ratio": row["ours"]["median_ms"] / row["theirs"]["median_ms"],
            "memory_ratio": row["ours"]["peak_mb"] / row["theirs"]["peak_mb"],
        }
    return row


def line(row):
    ours = row["ours"]
    text = f"{row['model']:20} {row['what']:9} {row['batch']:5}  {ours['median_ms']:10.1f}"
    if "theirs" not in row:
        return f"{text} {'-':>10} {'-':>6}  {ours['peak_mb']:8.0f} {'-':>8} {'-':>6}"
    theirs = row["theirs"]
    return (
        f"{text} {theirs['median_ms']:10.1f} {row['time_ratio']:6.2f}  "
        f"{ours['peak_mb']:8.0f} {theirs['peak_mb']:8.0f} {row['memory_ratio']:6.2f}  {row['peer']}"
    )


def main():
    options = arguments()
    if not Path(options.sonograd).is_file():
        sys.exit(f"compare: {options.sonograd}: no such file; build first (./run build)")
    present = installed(options.python, options)
    heading = (
        f"{'model':20} {'what':9} {'batch':>5}  {'ours ms':>10} {'peer ms':>10} {'ratio':>6}  "
        f"{'ours MiB':>8} {'peer MiB':>8} {'ratio':>6}  peer"
    )
    if not options.json:
        print(heading)
    rows = []
    for case in cases(options):
        rows.append(compare(case, options, present))
        if not options.json:
            print(line(rows[-1]), flush=True)
    if options.json:
        print(
            json.dumps(
                {
                    "image_size": options.image_size,
                    "threads": options.threads,
                    "rounds": options.rounds,
                    "rows": rows,
                }
            )
        )


main()

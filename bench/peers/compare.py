"""Prints our time and memory beside those of PyTorch with timm and of Keras on the same work.

    compare.py [--sonograd BINARY] [--python PYTHON] [--model M] [--what W] [--batch N] [--rounds R] ...

The programs run in turn, a process each, so that slow phases of the machine meet all; a round's figure is the
process's own median and the table shows the median over rounds. Memory is the largest peak of a process. The
ratios are to the fastest and to the leanest of the peers. Without a Python that has a peer installed, it is
left out. Standard library only.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
BINARY = str(FOLDER.parents[1] / "build" / "release" / "apps" / "sonograd")
PEERS = {  # name: (program and its flags, what it imports)
    "PyTorch": (["torch_bench.py"], "import torch, timm"),
    "compiled": (["torch_bench.py", "--compile"], "import torch, timm"),
    "Keras": (["keras_bench.py"], "import keras, tensorflow"),
}
MODELS = ("efficientnetb3", "aeganb3", "densenet169", "xception", "vit_b16", "vit_b32")
LACKS = {"dcgan": ("PyTorch", "compiled")}  # peers that have no such model
ON_CPU_ONLY = ("Keras",)
BATCHES = {"infer": (1, 16)}  # of the others 16
# Beside inference and training of all models, where nothing else is asked for.
MORE = (
    ("aeganb3", "finetune", 16),
    ("aeganb3", "cached", 16),
    ("densenet169", "cached", 16),
    ("dcgan", "train", 16),
)
# A frozen base's features are computed once by us; the peers run the base at every step.
PEERS_DO = {"cached": "transfer"}


def count(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return number


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
    parser.add_argument(
        "--peer",
        action="append",
        choices=PEERS,
        help="may be repeated; compiled: PyTorch with torch.compile; default: PyTorch (eager) and Keras",
    )
    parser.add_argument("--model", action="append", help=f"may be repeated; default: {', '.join(MODELS)}, and dcgan at 64 x 64")
    parser.add_argument(
        "--what",
        action="append",
        choices=("infer", "train", "finetune", "transfer", "cached"),
        help="may be repeated; default: infer and train, and some of the paper's phases",
    )
    parser.add_argument(
        "--batch", action="append", type=count, help="may be repeated; default: 16, for infer 1 as well"
    )
    parser.add_argument("--image-size", type=count, default=224, help="height and width (default: 224)")
    parser.add_argument("--repeat", type=count, default=5, help="timed runs of a process after the first (5)")
    parser.add_argument("--threads", type=count, default=os.cpu_count(), help="default: all cores")
    parser.add_argument("--rounds", type=count, default=3, help="processes of each program (3)")
    parser.add_argument(
        "--device", default="cpu", choices=("cpu", "gpu"), help="cpu (default), or gpu, without Keras; memory is then the gpu's"
    )
    parser.add_argument("--tf32", action="store_true", help="on the gpu, f32's products on tensor cores")
    parser.add_argument("--cuda-graph", action="store_true", help="our training steps by a recorded graph")
    parser.add_argument("--dtype", default="f32", choices=("f32", "bf16"), help="of training's products (f32)")
    parser.add_argument(
        "--rooflines", metavar="FOLDER", help="a picture of each training step, op by op, as FOLDER/MODEL.svg"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object")
    output.add_argument("--markdown", action="store_true", help="the rows as docs/performance.md shows them")
    options = parser.parse_args()
    if options.device == "cpu" and (options.tf32 or options.cuda_graph):
        parser.error("--tf32 and --cuda-graph are of --device gpu")
    if options.device == "gpu" and set(options.peer or ()) & set(ON_CPU_ONLY):
        parser.error(f"no gpu for {', '.join(ON_CPU_ONLY)}: leave it out")
    if options.dtype != "f32" and "Keras" in (options.peer or ("Keras",)) and options.device == "cpu":
        parser.error("Keras is timed in f32: name --peer PyTorch")
    return options


def cases(options):
    chosen = [
        (model, what, batch)
        for model in options.model or MODELS
        for what in options.what or ("infer", "train")
        for batch in options.batch or BATCHES.get(what, (16,))
    ]
    return chosen if options.model or options.what or options.batch else [*chosen, *MORE]


def installed(python, options):
    """Those of the wanted peers that this Python can import."""
    wanted = options.peer or [name for name in ("PyTorch", "Keras") if options.device == "cpu" or name not in ON_CPU_ONLY]
    if not shutil.which(python):
        sys.exit(f"compare: {python}: no such program; give --python the Python that has the peers")
    found = []
    for peer in wanted:
        if subprocess.run([python, "-c", PEERS[peer][1]], capture_output=True).returncode == 0:
            found.append(peer)
        else:
            print(f"compare: {python} has no {peer}: left out (see scripts/requirements.txt)", file=sys.stderr)
    return found


def run(command, case, options, ours):
    model, what, batch = case
    size = 64 if model == "dcgan" and not options.model else options.image_size
    flags = {
        "--model": model,
        "--what": what if ours else PEERS_DO.get(what, what),
        "--batch": batch,
        "--image-size": size,
        "--repeat": options.repeat,
        "--threads": options.threads,
    }
    training = what != "infer"
    if options.device != "cpu":
        flags["--device"] = options.device
    if training and options.dtype != "f32" and model != "dcgan":
        flags["--dtype"] = options.dtype
    switches = ["--json"]
    if options.tf32:
        switches.append("--tf32")
    if options.cuda_graph and ours and training and model != "dcgan":
        switches.append("--cuda-graph")
    words = [*command, *(str(word) for flag in flags.items() for word in flag), *switches]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        sys.exit(f"compare: {' '.join(words)}: exit {done.returncode}: {lines[-1]}")
    return json.loads(done.stdout)


def middle(rounds, options):
    memory = "gpu_peak_mb" if options.device == "gpu" else "peak_mb"
    return {
        "median_ms": statistics.median(r["median_ms"] for r in rounds),
        "first_ms": statistics.median(r["first_ms"] for r in rounds),
        "peak_mb": max(r[memory] for r in rounds),
    }


def draw(case, options):
    folder = Path(options.rooflines)
    folder.mkdir(parents=True, exist_ok=True)
    run([options.sonograd, "bench", "--roofline", str(folder / f"{case[0]}.svg")], case, options, True)


def compare(case, options, present):
    commands = {"ours": [options.sonograd, "bench"]}
    for peer in present:
        if peer in LACKS.get(case[0], ()):
            continue
        (program, *flags), _ = PEERS[peer]
        commands[peer] = [options.python, str(FOLDER / program), *flags]
    rounds = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            rounds[name].append(run(command, case, options, name == "ours"))
    figures = {name: middle(figures, options) for name, figures in rounds.items()}
    row = {"model": case[0], "what": case[1], "batch": case[2], "ours": figures.pop("ours"), "peers": figures}
    if figures:
        row["versions"] = {name: rounds[name][0]["peer"] for name in figures}
        for ratio, key in (("time_ratio", "median_ms"), ("memory_ratio", "peak_mb")):
            row[ratio] = row["ours"][key] / min(peer[key] for peer in figures.values())
    return row


def cells(row, present):
    """Time of ours and the peers and its ratio, then memory likewise."""
    for ratio, key, digits in (("time_ratio", "median_ms", 1), ("memory_ratio", "peak_mb", 0)):
        for figures in (row["ours"], *(row["peers"].get(peer) for peer in present)):
            yield f"{figures[key]:,.{digits}f}" if figures else "-"
        yield f"{row[ratio]:.{2 if row[ratio] >= 0.01 else 4}f}" if ratio in row else "-"


def line(row, present, markdown):
    if markdown:
        words = (row["model"], row["what"], str(row["batch"]), *cells(row, present))
        return f"| {' | '.join(words)} |"
    numbers = "".join(f"{cell:>14}" for cell in cells(row, present))
    return f"{row['model']:16} {row['what']:9}{row['batch']:4}{numbers}"


def heading(present, markdown):
    columns = []
    for unit in ("ms", "MiB"):
        columns += [f"{name} {unit}" for name in ("ours", *present)] + ["ratio"]
    if markdown:
        return f"| model | what | batch | {' | '.join(columns)} |\n{'|---' * (3 + len(columns))}|"
    return f"{'model':16} {'what':9}{'n':>4}" + "".join(f"{c:>14}" for c in columns)


def main():
    options = arguments()
    if not Path(options.sonograd).is_file():
        sys.exit(f"compare: {options.sonograd}: no such file; build first (./run build)")
    present = installed(options.python, options)
    if not options.json:
        print(heading(present, options.markdown), flush=True)
    rows = []
    for case in cases(options):
        rows.append(compare(case, options, present))
        if options.rooflines and case[1] == "train":
            draw(case, options)
        if not options.json:
            print(line(rows[-1], present, options.markdown), flush=True)
    if options.json:
        facts = {key: getattr(options, key) for key in ("device", "dtype", "tf32", "cuda_graph", "image_size", "threads", "rounds", "repeat")}
        print(json.dumps({**facts, "rows": rows}))


main()

"""What both peers share: the command line of `sonograd bench`, the clock and the printed keys."""

import argparse
import json
import resource
import statistics
import time


def arguments(models, devices=("cpu",), dtypes=("f32",), **switches):
    """`switches` are names of flags beside the common ones, with their help."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="efficientnetb3", choices=models)
    parser.add_argument("--what", default="infer", choices=("infer", "train", "finetune", "transfer"))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=devices)
    parser.add_argument("--dtype", default="f32", choices=dtypes, help="of training's products")
    parser.add_argument("--json", action="store_true")
    for name, text in switches.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    return parser.parse_args()


def measure(step, repeat, started, after_first=None):
    """Runs step() 1 + repeat times; the first counts from `started`, so it holds imports and set-up."""
    step()
    first = time.perf_counter() - started
    if after_first:
        after_first()
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return {
        "median_ms": 1e3 * statistics.median(seconds),
        "min_ms": 1e3 * min(seconds),
        "first_ms": 1e3 * first,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def report(options, peer, figures):
    facts = {
        "peer": peer,
        "model": options.model,
        "what": options.what,
        "batch": options.batch,
        "image_size": options.image_size,
        "threads": options.threads,
        "dtype": options.dtype,
        **figures,
    }
    if options.json:
        print(json.dumps(facts))
    else:
        print(
            *(
                f"{key:10}  {value:.1f}" if isinstance(value, float) else f"{key:10}  {value}"
                for key, value in facts.items()
            ),
            sep="\n",
        )

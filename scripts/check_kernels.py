#!/usr/bin/env python3
"""Compiles every *.cu for each kind of GPU and holds what ptxas says of its kernels, registers, spills and local memory, against
scripts/kernel_limits.json. Needs nvcc (CUDACXX names another than /usr/local/cuda's), no GPU. Exits 1 where a limit is passed."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

root = pathlib.Path(__file__).resolve().parent.parent
limits = json.loads((root / "scripts/kernel_limits.json").read_text())
nvcc = os.environ.get("CUDACXX", "/usr/local/cuda/bin/nvcc")
flags = ["-std=c++20", "-O3", "--expt-relaxed-constexpr", "--extended-lambda", "-Werror=all-warnings", "-DFMT_CONSTEVAL=",
         "-DFMT_USE_CONSTEXPR=1", "--ptxas-options=-v", f"-I{root}", "-cubin"]


def usage(file, architecture):
    """The largest number of registers, and bytes of stack and spills, of the kernels of a file; None where it does not compile."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([nvcc, *flags, f"-arch=sm_{architecture}", "-o", f"{folder}/kernels.cubin", str(file)],
                              capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{file.relative_to(root)}, sm_{architecture}: does not compile\n{done.stderr}", file=sys.stderr)
        return None
    largest = lambda pattern: max((int(n) for n in re.findall(pattern, done.stderr)), default=0)
    return {"registers": largest(r"Used (\d+) registers"), "stack": largest(r"(\d+) bytes stack frame"),
            "spills": largest(r"(\d+) bytes spill stores")}


def check(work):
    file, architecture = work
    name = str(file.relative_to(root))
    allowed = {**limits["all"], **limits["files"].get(name, {})}
    used = usage(file, architecture)
    if used is None:
        return False
    over = [f"{used[what]} {what}, allowed {allowed[what]}" for what in used if used[what] > allowed[what]]
    print(f"{name}, sm_{architecture}: {used['registers']} registers, {used['stack']} bytes of stack"
          + "".join(f"; TOO MANY: {text}" for text in over), flush=True)
    return not over


def main():
    files = sorted(root.glob("tensor/*.cu")) + sorted(root.glob("ops/*/*.cu"))
    architectures = sys.argv[1:] or limits["architectures"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(check, [(file, a) for a in architectures for file in files]))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

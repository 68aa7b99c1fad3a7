#!/usr/bin/env python3
"""Holds what ptxas says of our kernels, registers, spills and local memory, against scripts/kernel_limits.json. Exits 1 where a limit
is passed. Needs no GPU.

check_kernels.py [ARCH…]       compiles every *.cu for each kind of GPU (75, 80, …; those of the file of limits), by nvcc (CUDACXX names
                               another than the PATH's or /usr/local/cuda's); exits 77 where there is none
check_kernels.py --test        the same for one kind; without SONOGRAD_FULL=1, of the files with limits of their own alone
check_kernels.py --build NVCC… runs this command of the build; cmake/Cuda.cmake puts this script before nvcc"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

root = pathlib.Path(__file__).resolve().parent.parent
limits = json.loads((root / "scripts/kernel_limits.json").read_text())
nvcc = os.environ.get("CUDACXX") or shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
flags = ["-std=c++20", "-O3", "--expt-relaxed-constexpr", "--extended-lambda", "-Werror=all-warnings", "-DFMT_CONSTEVAL=",
         "-DFMT_USE_CONSTEXPR=1", f"-I{root}", "-c"]
cache = [name for name in ["ccache"] if shutil.which(name)]  # which keeps what ptxas said, too


def compiled(command):
    """Runs a command of nvcc. Its status; of each kind of GPU the largest number of registers, and bytes of stack and spills, of a
    kernel; and what else it said."""
    done = subprocess.run([*command, "--ptxas-options=-v"], capture_output=True, text=True)
    used, rest, kind = {}, [], ""
    for line in done.stderr.splitlines():
        if found := re.search(r"Compiling entry function .* for 'sm_(\w+)'", line):
            kind = found[1]
        of_kind = used.setdefault(kind, {"registers": 0, "stack": 0, "spills": 0}) if kind else {}
        facts = {what: found[1] for what, pattern in
                 [("registers", r"Used (\d+) registers"), ("stack", r"(\d+) bytes stack frame"), ("spills", r"(\d+) bytes spill stores")]
                 if (found := re.search(pattern, line))}
        for what, number in facts.items():
            of_kind[what] = max(of_kind.get(what, 0), int(number))
        if not facts and not line.startswith("ptxas info"):
            rest.append(line)
    return done.returncode, used, done.stdout + "".join(line + "\n" for line in rest)


def judged(name, kind, used):
    """A line on a file's kernels on a kind of GPU, and whether they keep to the limits."""
    allowed = {**limits["all"], **limits["files"].get(name, {})}
    over = [f"; TOO MANY: {used[what]} {what}, allowed {allowed[what]}" for what in used if used[what] > allowed[what]]
    return f"{name}, sm_{kind}: {used['registers']} registers, {used['stack']} bytes of stack" + "".join(over), not over


def check(work):
    file, kind = work
    name = str(file.relative_to(root))
    with tempfile.TemporaryDirectory() as folder:
        status, used, said = compiled([*cache, nvcc, *flags, f"-arch=sm_{kind}", str(file), "-o", f"{folder}/kernels.o"])
    if status != 0:
        print(f"{name}, sm_{kind}: does not compile\n{said}", file=sys.stderr)
        return False
    if kind not in used:
        print(f"{name}, sm_{kind}: ptxas says nothing of its kernels", file=sys.stderr)
        return False
    line, good = judged(name, kind, used[kind])
    print(line, flush=True)
    return good


def check_all(kinds, files):
    if not shutil.which(nvcc):
        print(f"skipped: there is no nvcc ({nvcc})")
        return 77
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(check, [(file, kind) for kind in kinds for file in files]))
    return 0 if all(good) else 1


def build(command):
    status, used, said = compiled(command)
    sys.stderr.write(said)
    if status != 0 or "-c" not in command:
        return status
    name = os.path.relpath(command[command.index("-c") + 1], root)
    over = [line for line, good in (judged(name, kind, used[kind]) for kind in used) if not good]
    if over:
        print("\n".join(over) + "\n(scripts/kernel_limits.json)", file=sys.stderr)
        pathlib.Path(command[command.index("-o") + 1]).unlink(missing_ok=True)  # else the next build takes it
    return 1 if over else 0


if __name__ == "__main__":
    every = sorted(root.glob("tensor/gpu/*.cu")) + sorted(root.glob("ops/*/*.cu"))
    if sys.argv[1:2] == ["--build"]:
        sys.exit(build(sys.argv[2:]))
    if sys.argv[1:] == ["--test"]:
        full = os.environ.get("SONOGRAD_FULL") == "1"
        sys.exit(check_all(["80"], every if full else [root / name for name in limits["files"]]))
    sys.exit(check_all(sys.argv[1:] or limits["architectures"], every))

#!/bin/sh
# Builds against oneDNN 3, from PyPI, and runs the op tests with it (Debian has 2.6). Takes minutes.
set -eu
cd "$(dirname "$0")/.."
root=build/onednn3
[ -d "$root/venv" ] || python3 -m venv "$root/venv"
"$root/venv/bin/pip" install -q onednn-devel-cpu-gomp
cmake -S . -B "$root" -G Ninja -DCMAKE_BUILD_TYPE=Release -Ddnnl_DIR="$PWD/$root/venv/lib/cmake/dnnl" >/dev/null
cmake --build "$root" --target ops_tests -- --quiet
ctest --test-dir "$root" --output-on-failure -L ops

#!/bin/sh
# Runs each fuzz target for SECONDS (default 60) from its committed corpus, under clang's address and undefined-behaviour sanitizers.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 \
  -DSONOGRAD_SANITIZE=address,undefined -DSONOGRAD_FUZZ=ON >/dev/null
for target in tests/fuzz/*_fuzz.cpp; do
  name=$(basename "$target" .cpp)
  cmake --build build/fuzz --target "$name" -- --quiet
  found=$(mktemp -d)
  corpus=tests/fuzz/corpus/${name%_fuzz}
  [ -d "$corpus" ] || corpus=tests/golden/data/${name%_fuzz}
  # A damaged file may ask for any amount of memory in one piece, and be refused; memory that was had is limited.
  "build/fuzz/tests/$name" -max_total_time="$seconds" -rss_limit_mb=4096 -malloc_limit_mb=1000000000 -timeout=20 \
    -print_final_stats=1 -artifact_prefix="$found/" "$found" "$corpus" >"$found.log" 2>&1 || {
    tail -n 40 "$found.log" >&2
    echo "fuzz: $name failed, see $found.log and the input in $found" >&2
    exit 1
  }
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log")
  [ "${runs:-0}" -gt 0 ] || {
    echo "fuzz: $name ran no input, see $found.log" >&2
    exit 1
  }
  rm -r "$found" "$found.log"
  echo "fuzz: $name is clean after $runs inputs in $seconds s"
done

#!/bin/sh
# Runs each fuzz target for SECONDS (default 60) from its committed corpus, under clang's address sanitizer.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 \
  -DSONOGRAD_SANITIZE=address -DSONOGRAD_FUZZ=ON >/dev/null
for target in tests/fuzz/*_fuzz.cpp; do
  name=$(basename "$target" .cpp)
  cmake --build build/fuzz --target "$name" -- --quiet
  found=$(mktemp -d)
  corpus=tests/fuzz/corpus/${name%_fuzz}
  [ -d "$corpus" ] || corpus=tests/golden/data/${name%_fuzz}
  "build/fuzz/tests/$name" -max_total_time="$seconds" -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="$found/" "$found" \
    "$corpus" 2>&1 | grep -E 'ERROR|stat::number_of_executed_units|SUMMARY' || true
  if ls "$found"/crash-* "$found"/leak-* "$found"/timeout-* >/dev/null 2>&1; then
    echo "fuzz: $name found something, see $found" >&2
    exit 1
  fi
  echo "fuzz: $name clean for $seconds s"
done

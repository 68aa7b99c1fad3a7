#!/bin/sh
# Installs the library, static and shared, and builds a program outside of the tree against the package.
set -eu
cd "$(dirname "$0")/.."
least=$(find ops -mindepth 1 -maxdepth 1 -type d | wc -l)
for shared in OFF ON; do
  work=$(mktemp -d)
  cmake -S . -B "build/package-$shared" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=$shared -DSONOGRAD_TESTS=OFF >/dev/null
  cmake --build "build/package-$shared" -- --quiet
  cmake --install "build/package-$shared" --prefix "$work/prefix" >/dev/null
  cmake -S tests/package -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
  cmake --build "$work/build" >/dev/null
  "$work/build/count_ops" "$least"
  "$work/prefix/bin/sonograd" --version
  rm -rf "$work"
done
echo "test_package: static and shared are usable from outside"

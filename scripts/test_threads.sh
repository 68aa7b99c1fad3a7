#!/bin/sh
# The thread sanitizer over the unit and op tests: the planted race must be found, nothing else may be.
set -eu
build=${1:-build/tsan}
# oneDNN and libgomp below it are not instrumented: what they do among themselves is not seen and must not be judged.
export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1 allocator_may_return_null=1"
export OMP_NUM_THREADS=4
found=$("$build/tests/planted_race" 2>&1) || true
case $found in
  *"ThreadSanitizer: data race"*) ;;
  *)
    echo "test_threads: the planted race was not found, so a clean run would mean nothing: $found" >&2
    exit 1
    ;;
esac
ctest --test-dir "$build" --output-on-failure -L 'unit|ops'
echo "test_threads: clean, and the planted race was found"

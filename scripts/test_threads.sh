#!/bin/sh
# The thread sanitizer over what runs on several threads: the planted race must be found, nothing else may be.
set -eu
build=${1:-build/tsan}
export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1"
export OMP_NUM_THREADS=4
if "$build/tests/planted_race" 2>/dev/null; then
  echo "test_threads: the planted race was not found, so a clean run would mean nothing" >&2
  exit 1
fi
"$build/tests/unit_tests" --source-file='*/parallel_test.cpp,*/loader_test.cpp,*/pool_test.cpp,*/storage_test.cpp,*/tensor_copy_test.cpp,*/folder_test.cpp'
"$build/tests/ops_tests" --source-file='*/fused_test.cpp,*/registry_test.cpp'
echo "test_threads: clean, and the planted race was found"

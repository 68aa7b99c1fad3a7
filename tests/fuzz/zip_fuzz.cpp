// Any bytes as an archive: .npz or .keras, or neither.
#include "tests/fuzz/weight_bytes.h"

// HDF5, inside of a .keras, asks for as much memory as a damaged file says, and leaks on some.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1:detect_leaks=0";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return sonograd::read_bytes(bytes, size, sonograd::read_weights);
}

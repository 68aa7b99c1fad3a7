#include "models/weights/safetensors.h"
#include "tests/fuzz/weight_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return sonograd::read_bytes(bytes, size, sonograd::read_safetensors);
}

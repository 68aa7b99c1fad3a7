#include <doctest/doctest.h>

#include "models/weights/weight_file.h"

using namespace sonograd;
namespace fs = std::filesystem;

// The files that the fuzz targets begin with, and what they found: read to the last element, or one line.
TEST_CASE("every file of the fuzz corpus is read or refused in one line") {
  int read = 0, refused = 0;
  for (const char* folder : {"safetensors", "hdf5", "zip"})
    for (const auto& entry :
         fs::directory_iterator(fs::path(SONOGRAD_SOURCE_DIR) / "tests/fuzz/corpus" / folder)) {
      CAPTURE(entry.path().string());
      try {
        for (const StoredTensor& tensor : read_weights(entry.path()).tensors) {
          const Tensor value = tensor.read();
          CHECK(value.shape() == tensor.shape);
        }
        ++read;
      } catch (const Error& error) {
        const std::string text = error.what();
        CHECK(text.rfind("cannot read " + entry.path().string(), 0) == 0);
        CHECK(text.find('\n') == std::string::npos);
        ++refused;
      }
    }
  CHECK(read >= 9);
  CHECK(refused >= 12);
}

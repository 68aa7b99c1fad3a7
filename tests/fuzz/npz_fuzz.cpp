// Any bytes as the one member of a .npz whose checksums hold.
#include "models/weights/npz.h"
#include "tests/fuzz/weight_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto path = std::filesystem::temp_directory_path() / fmt::format("npz_fuzz.{}", ::getpid());
  sonograd::ZipWriter archive(path);
  archive.add("a.npy", {reinterpret_cast<const char*>(bytes), size});
  archive.commit(false);
  const std::string packed = sonograd::read_file(path);
  return sonograd::read_bytes(reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size(),
                              sonograd::read_weights);
}

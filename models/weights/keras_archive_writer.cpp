#include "models/weights/h5_image.h"
#include "models/weights/keras_archive.h"
#include "models/weights/keras_h5.h"

namespace sonograd {

void write_keras_archive(const std::filesystem::path& path, std::string_view config,
                         const StoredTensors& tensors, const NameMap& names, const Facts& facts) {
  H5Image image;
  fill_keras3(image, path, tensors, names, facts);
  ZipWriter archive(path);
  // The version whose load_model takes these files (scripts/check_keras_roundtrip.py); no other was tried.
  archive.add("metadata.json", R"({"keras_version": "3.15.1"})");
  archive.add("config.json", config);
  archive.add(keras_archive_weights, image.bytes());
  archive.commit();
}

}  // namespace sonograd

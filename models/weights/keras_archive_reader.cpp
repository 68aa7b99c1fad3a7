#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "models/weights/h5_tensors.h"
#include "models/weights/keras_archive.h"
#include "models/weights/keras_h5.h"
#include "models/weights/keras_structure.h"

namespace sonograd {
namespace {

// A file of ours alone in the system's temporary folder, gone with its owner; what has it open keeps it.
class TemporaryFile {
 public:
  TemporaryFile() : name((std::filesystem::temp_directory_path() / "sonograd-XXXXXX").string()) {
    descriptor = ::mkstemp(name.data());
    expect(descriptor >= 0, "no temporary file can be made in its place {} ({}); set TMPDIR", name,
           std::strerror(errno));
  }
  ~TemporaryFile() {
    ::close(descriptor);
    ::unlink(name.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return name; }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      expect(put >= 0, "it cannot be unpacked to {} ({}); free some space or set TMPDIR", name,
             std::strerror(errno));
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
  }

 private:
  std::string name;
  int descriptor;
};

std::string text_of(const ZipReader& archive, const ZipReader::Member& member) {
  std::string text(static_cast<std::size_t>(member.bytes), '\0');
  ZipStream stream = archive.open(member);
  stream.read(text.data(), member.bytes);
  stream.finish();
  return text;
}

}  // namespace

void read_keras_archive(const ZipReader& archive, WeightFile& into) {
  constexpr Int piece = 1 << 20;
  into.format = WeightFormat::keras_archive;
  const ZipReader::Member& member = *archive.find(keras_archive_weights);
  TemporaryFile unpacked;
  ZipStream stream = archive.open(member);
  std::string bytes;
  for (Int left = member.bytes; left > 0; left -= static_cast<Int>(bytes.size())) {
    bytes.resize(static_cast<std::size_t>(std::min(left, piece)));
    stream.read(bytes.data(), static_cast<Int>(bytes.size()));
    unpacked.write(bytes);
  }
  stream.finish();
  const H5Quiet quiet;
  read_keras3(H5Tensors(unpacked.path(), into.path), into);
  if (const ZipReader::Member* const config = archive.find("config.json"))
    read_structure(text_of(archive, *config), into.facts);
}

}  // namespace sonograd

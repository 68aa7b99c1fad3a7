#include "models/weights/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace sonograd {

OpenFile::OpenFile(std::filesystem::path place)
    : path(std::move(place)), descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  expect(descriptor >= 0, "cannot read {}: {}; check the path", path.string(), std::strerror(errno));
  struct stat facts {};
  if (::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode)) {
    size_ = facts.st_size;
    return;
  }
  ::close(descriptor);
  throw Error("cannot read {}: it is {}; give a weight file", path.string(),
              S_ISDIR(facts.st_mode) ? "a folder" : "not a regular file");
}

OpenFile::~OpenFile() {
  ::close(descriptor);
}

void OpenFile::read(Int offset, void* into, Int bytes) const {
  auto* target = static_cast<char*>(into);
  while (bytes > 0) {
    const auto part = static_cast<std::size_t>(std::min(bytes, Int{1} << 30));
    const ssize_t got = ::pread(descriptor, target, part, offset);
    if (got < 0 && errno == EINTR) continue;
    expect(got >= 0, "cannot read {}: {}; check the disk", path.string(), std::strerror(errno));
    expect(got > 0, "cannot read {}: it ends at byte {}, before its last tensor; copy or download it again",
           path.string(), offset);
    target += got;
    offset += got;
    bytes -= got;
  }
}

std::string OpenFile::read(Int offset, Int bytes) const {
  std::string text(static_cast<std::size_t>(bytes), '\0');
  read(offset, text.data(), bytes);
  return text;
}

}  // namespace sonograd

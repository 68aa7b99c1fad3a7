#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace sonograd {
namespace {

const char* advice(int error, bool reading) {
  if (reading && error == ENOENT) return "check the path";
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space or choose another folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "change its permissions or choose another folder";
    case ENOENT:
      return "make the folder first or check the path";
    case ELOOP:
      return "check the path: a link leads to itself";
    case ENOTDIR:
    case EISDIR:
      return "check the path: a folder and a file are mixed up";
    default:
      return "check the disk or choose another folder";
  }
}

[[noreturn]] void fail(const char* verb, const std::filesystem::path& path, int error) {
  throw Error("cannot {} {}: {}; {}", verb, path.string(), std::strerror(error),
              advice(error, std::string_view(verb) == "read"));
}

}  // namespace

FileWriter::FileWriter(std::filesystem::path destination) : path(std::move(destination)) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_directory(status)) fail("write", path, EISDIR);
  const bool in_place = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  aside = path;
  if (!in_place) aside += ".tmp";
  descriptor = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) fail("write", path, errno);
}

FileWriter::~FileWriter() {
  if (descriptor < 0) return;
  ::close(descriptor);
  if (aside != path) ::unlink(aside.c_str());
}

void FileWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void FileWriter::commit(bool flush) {
  const bool in_place = aside == path;
  // A device or a pipe answers fsync with an error: it has nothing to flush.
  if (flush && ::fsync(descriptor) != 0 && !in_place) fail("write", path, errno);
  const int closing = descriptor;
  descriptor = -1;
  if (::close(closing) == 0 && (in_place || std::rename(aside.c_str(), path.c_str()) == 0)) return;
  const int error = errno;
  if (!in_place) ::unlink(aside.c_str());
  fail("write", path, error);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes, bool flush) {
  FileWriter file(path);
  file.write(bytes);
  file.commit(flush);
}

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail("make the folder", path, error.value());
}

void check_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::path there = std::filesystem::absolute(path);
  while (!std::filesystem::exists(there, ignored) && there.has_relative_path()) there = there.parent_path();
  if (!std::filesystem::is_directory(there, ignored)) fail("make the folder", path, ENOTDIR);
  std::string trial = (there / ".sonograd-XXXXXX").string();  // access() promises more than /proc keeps
  if (::mkdtemp(trial.data()) == nullptr) fail("make the folder", path, errno);
  ::rmdir(trial.c_str());
}

std::string read_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail("read", path, errno);
  struct stat facts {};
  std::string bytes;
  const bool known = ::fstat(descriptor, &facts) == 0;
  if (known && (S_ISCHR(facts.st_mode) || S_ISBLK(facts.st_mode))) {  // it may have no end
    ::close(descriptor);
    throw Error("cannot read {}: it is a device; give a file", path.string());
  }
  if (known && facts.st_size > 0) bytes.reserve(static_cast<std::size_t>(facts.st_size));
  int error = S_ISDIR(facts.st_mode) ? EISDIR : 0;
  char block[1 << 16];
  while (error == 0) {
    const ssize_t got = ::read(descriptor, block, sizeof block);
    if (got > 0) bytes.append(block, static_cast<std::size_t>(got));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) error = errno;
  }
  ::close(descriptor);
  if (error != 0) fail("read", path, error);
  return bytes;
}

}  // namespace sonograd

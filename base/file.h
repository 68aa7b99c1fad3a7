#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace sonograd {

// A file that appears complete or not at all: bytes go to `<path>.tmp` in the same folder, and commit() moves
// them to `path`. Without commit() the destructor removes the part written, and an earlier file stays as it
// was. Devices and pipes (/dev/stdout) are written in place. Every function throws Error `cannot write
// <path>: <reason>; <what to do>`.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(std::string_view bytes);
  void write(const void* data, std::size_t size) { write({static_cast<const char*>(data), size}); }
  // Flushed to the disk, then renamed; call it once, last. Without the flush (some 30 ms a file) a power cut
  // may lose the content: for pictures and other files that are cheap to make again.
  void commit(bool flush = true);

 private:
  std::filesystem::path path, aside;
  int descriptor = -1;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes, bool flush = true);

// Makes a folder and those above it; one that is there already is left as it is. Throws Error `cannot make
// the folder <path>: <reason>; <what to do>`.
void make_folder(const std::filesystem::path& path);

// Throws as make_folder would where it cannot succeed or no file could be written there; leaves nothing
// behind.
void check_folder(const std::filesystem::path& path);

// The bytes of a file or a pipe, not of a device, which may have no end. Throws Error `cannot read <path>:
// <reason>; <what to do>`.
std::string read_file(const std::filesystem::path& path);

}  // namespace sonograd

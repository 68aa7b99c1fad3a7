#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/shape.h"

struct zip;
struct zip_file;

namespace sonograd {

// A member being unpacked from its begin on. Throws Error, without the archive's path, where its bytes end or
// their checksum does not hold.
class ZipStream {
 public:
  ZipStream(std::shared_ptr<zip> archive, std::uint64_t index, std::string_view name);
  void read(void* into, Int bytes);
  void finish();  // the member ends here, and its checksum holds

 private:
  std::shared_ptr<zip> archive;
  std::shared_ptr<zip_file> file;
  std::string member;
};

// A zip archive of stored and deflated members. One that repeats a name, whose members overlap or are
// encrypted, or with a member that unpacks to more than 1 MiB and to more than a hundred times its bytes is
// refused. One thread at a time. Throws Error, without the path; the caller adds it.
class ZipReader {
 public:
  struct Member {
    std::string name;
    Int bytes;  // unpacked
  };

  explicit ZipReader(const std::filesystem::path& path);
  const std::vector<Member>& members() const { return list; }
  const Member* find(std::string_view name) const;  // null where there is none
  ZipStream open(const Member& member) const;
  std::string comment() const;  // of the archive as a whole

 private:
  std::shared_ptr<zip> archive;
  std::vector<Member> list;  // in the archive's order
};

// Writes an archive of stored members, aside and renamed; equal arguments give equal bytes. Throws Error past
// the 4 GiB that a plain zip holds or its comment's 64 KiB, and as FileWriter does.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path) : path(path), file(path) {}
  void add(std::string_view name, std::string_view bytes);
  void set_comment(std::string_view text);
  void commit(bool flush = true);  // call it once, last; `flush` as FileWriter's

 private:
  std::filesystem::path path;
  FileWriter file;
  std::string directory, comment;
  std::uint64_t members = 0, written = 0;
};

}  // namespace sonograd

#include <zip.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "models/weights/element_type.h"
#include "models/weights/zip.h"

namespace sonograd {
namespace {

constexpr zip_int64_t most_members = 100'000;

std::shared_ptr<zip> open_archive(const std::filesystem::path& path) {
  int code = 0;
  zip* const archive = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (archive) return {archive, zip_discard};
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw Error("it is no zip archive that can be opened ({}); {}", reason, damaged);
}

// Weights hardly shrink: what unpacks to a hundred times its size, past a first megabyte, is made to do harm.
void check_member(const zip_stat_t& member, const std::string& name) {
  constexpr zip_uint64_t harmless = 1 << 20, most_times = 100;
  constexpr zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  expect((member.valid & needed) == needed, "its member {} has no size; {}", name, damaged);
  expect(member.encryption_method == ZIP_EM_NONE, "its member {} is encrypted; write it without a password",
         name);
  expect(member.comp_method == ZIP_CM_STORE || member.comp_method == ZIP_CM_DEFLATE,
         "its member {} is packed by method {}, only stored and deflated ones are read; write it again", name,
         member.comp_method);
  expect(member.size <= harmless || member.size / most_times <= member.comp_size,
         "its member {} would unpack from {} bytes to {}, as no weights do; get the file from elsewhere",
         name, member.comp_size, member.size);
}

}  // namespace

ZipStream::ZipStream(std::shared_ptr<zip> from, std::uint64_t index, std::string_view name)
    : archive(std::move(from)), member(printable(name)) {
  zip_file* const opened = zip_fopen_index(archive.get(), index, 0);
  expect(opened != nullptr, "its member {} cannot be opened ({}); {}", member, zip_strerror(archive.get()),
         damaged);
  file = {opened, zip_fclose};
}

void ZipStream::read(void* into, Int bytes) {
  auto* target = static_cast<char*>(into);
  while (bytes > 0) {
    const zip_int64_t got = zip_fread(file.get(), target, static_cast<zip_uint64_t>(bytes));
    expect(got >= 0, "its member {} cannot be unpacked ({}); {}", member, zip_file_strerror(file.get()),
           damaged);
    expect(got > 0, "its member {} ends {} bytes early; {}", member, bytes, damaged);
    target += got;
    bytes -= got;
  }
}

void ZipStream::finish() {
  char more = 0;
  const zip_int64_t got = zip_fread(file.get(), &more, 1);
  expect(got >= 0, "its member {} cannot be unpacked ({}); {}", member, zip_file_strerror(file.get()),
         damaged);
  expect(got == 0, "its member {} has bytes that belong to nothing; {}", member, damaged);
}

ZipReader::ZipReader(const std::filesystem::path& path) : archive(open_archive(path)) {
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  expect(count <= most_members, "it has {} members, at most {} are read", count, most_members);
  std::set<std::string> names;
  zip_uint64_t packed = 0;
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t member;
    expect(zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), 0, &member) == 0 && member.name,
           "its member {} cannot be read ({}); {}", i, zip_strerror(archive.get()), damaged);
    const std::string name = printable(member.name);
    check_member(member, name);
    expect(names.insert(member.name).second, "it holds the member {} twice; {}", name, damaged);
    const bool fits = !__builtin_add_overflow(packed, member.comp_size, &packed) &&
                      packed <= std::filesystem::file_size(path);
    expect(fits, "its members are larger than the file, or overlap; {}", damaged);
    list.push_back({member.name, static_cast<Int>(member.size)});
  }
}

const ZipReader::Member* ZipReader::find(std::string_view name) const {
  const auto found = std::find_if(list.begin(), list.end(), [&](const Member& m) { return m.name == name; });
  return found == list.end() ? nullptr : &*found;
}

std::string ZipReader::comment() const {
  int length = 0;
  const char* const text = zip_get_archive_comment(archive.get(), &length, ZIP_FL_ENC_RAW);
  return text ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

ZipStream ZipReader::open(const Member& member) const {
  return {archive, static_cast<std::uint64_t>(&member - list.data()), member.name};
}

}  // namespace sonograd

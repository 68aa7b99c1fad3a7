#include <zlib.h>

#include <initializer_list>

#include "base/text.h"
#include "models/weights/element_type.h"
#include "models/weights/zip.h"

namespace sonograd {
namespace {

struct Field {
  std::uint64_t value;
  int bytes;
};

// Little-endian fields in a row, as zip's records are made of.
std::string record(std::initializer_list<Field> fields) {
  std::string bytes;
  for (const Field& field : fields)
    for (int i = 0; i < field.bytes; ++i) bytes.push_back(static_cast<char>(field.value >> 8 * i));
  return bytes;
}

}  // namespace

// Local header, name, bytes; the directory's entry repeats the fields and says where they lie.
void ZipWriter::add(std::string_view name, std::string_view bytes) {
  constexpr std::uint64_t version = 20, utf8 = 0x0800, stored = 0, midnight = 0, first_day_of_1980 = 0x21;
  constexpr std::uint64_t made_on_unix = 3 << 8 | version, plain_file = 0100644u << 16;
  constexpr std::uint64_t limit = 0xffff'0000, most_members = 0xfffe;
  expect(members < most_members && written + directory.size() + bytes.size() < limit,
         "cannot write {}: with {} it would pass the 4 GiB of a zip archive; write a .safetensors",
         path.string(), printable(name));
  const std::uint64_t checksum = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  const std::uint64_t size = bytes.size(), offset = written;
  const std::string both = record({{version, 2},
                                   {utf8, 2},
                                   {stored, 2},
                                   {midnight, 2},
                                   {first_day_of_1980, 2},
                                   {checksum, 4},
                                   {size, 4},
                                   {size, 4},
                                   {name.size(), 2},
                                   {0, 2}});
  const std::string local = record({{0x04034b50, 4}}) + both + std::string(name);
  file.write(local);
  file.write(bytes);
  written += local.size() + size;
  directory += record({{0x02014b50, 4}, {made_on_unix, 2}}) + both +
               record({{0, 2}, {0, 2}, {0, 2}, {plain_file, 4}, {offset, 4}}) + std::string(name);
  ++members;
}

void ZipWriter::set_comment(std::string_view text) {
  expect(text.size() <= 0xffff, "cannot write {}: its comment of {} bytes passes the 64 KiB of a zip archive",
         path.string(), text.size());
  comment = text;
}

void ZipWriter::commit(bool flush) {
  file.write(directory);
  file.write(record({{0x06054b50, 4},
                     {0, 2},
                     {0, 2},
                     {members, 2},
                     {members, 2},
                     {directory.size(), 4},
                     {written, 4},
                     {comment.size(), 2}}));
  file.write(comment);
  file.commit(flush);
}

}  // namespace sonograd

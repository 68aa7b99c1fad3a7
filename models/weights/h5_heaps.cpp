#include "models/weights/h5_heaps.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "models/weights/element_type.h"
#include "models/weights/open_file.h"

namespace sonograd {
namespace {

constexpr std::string_view signature = "GCOL";
constexpr Int header =
    16;  // of a heap: signature, version, 3 bytes, size; of an object: index, count, 4 bytes, size

std::uint64_t number_at(const std::string& bytes, std::size_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

struct Heaps {
  const OpenFile& file;
  Int steps = 0;  // sound heaps do not overlap, so all have no more objects than the file has headers

  std::string header_at(Int offset) const {
    expect(offset + header <= file.size(), "a heap of texts runs over its end; {}", damaged);
    return file.read(offset, header);
  }

  void walk(Int begin) {
    const std::uint64_t size = number_at(header_at(begin), 8);
    expect(size <= static_cast<std::uint64_t>(file.size() - begin),
           "a heap of texts is larger than the file; {}", damaged);
    const Int end = begin + static_cast<Int>(size);
    for (Int at = begin + header; at + header <= end;) {
      const std::string object = header_at(at);
      const bool is_free = object[0] == 0 && object[1] == 0;  // index 0: what is left, its header included
      const std::uint64_t content = number_at(object, 8), left = static_cast<std::uint64_t>(end - at);
      expect(content <= left && (!is_free || content >= header) && ++steps <= file.size() / header,
             "a heap of texts has an object of {} bytes where {} are left; {}", content, left, damaged);
      at += is_free ? static_cast<Int>(content) : header + (static_cast<Int>(content) + 7) / 8 * 8;
    }
  }
};

}  // namespace

void check_heaps(const std::filesystem::path& path) {
  const OpenFile file(path);
  Heaps heaps{file};
  constexpr Int piece = 1 << 20;
  for (Int begin = 0; begin < file.size(); begin += piece) {
    const Int overlap = static_cast<Int>(signature.size()) - 1;
    const std::string bytes = file.read(begin, std::min(piece + overlap, file.size() - begin));
    for (auto found = bytes.find(signature); found != std::string::npos;
         found = bytes.find(signature, found + 1))
      heaps.walk(begin + static_cast<Int>(found));
  }
}

}  // namespace sonograd

#include "models/weights/npy.h"

#include <fmt/format.h>

namespace sonograd {

// Python's tuple: (), (3,), (3, 2).
static std::string tuple(const Shape& shape) {
  std::string text = "(";
  for (const Int size : shape) text += fmt::format("{}{},", text.size() > 1 ? " " : "", size);
  if (shape.rank() > 1) text.pop_back();
  return text + ")";
}

std::string npy_header(std::string_view type, const Shape& shape) {
  constexpr std::size_t before = 10, alignment = 64;  // magic, version 1.0 and a length of two bytes
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type, tuple(shape));
  text.append(alignment - (before + text.size() + 1) % alignment, ' ');
  text += '\n';
  const std::size_t length = text.size();
  return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(length & 255) +
         static_cast<char>(length >> 8) + text;
}

}  // namespace sonograd

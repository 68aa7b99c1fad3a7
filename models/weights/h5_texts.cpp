#include "models/weights/h5_texts.h"

#include <algorithm>
#include <cstring>

#include "models/weights/element_type.h"
#include "models/weights/h5_heaps.h"
#include "models/weights/h5_tensors.h"

namespace sonograd {
namespace {

using Names = std::vector<std::string>;

constexpr auto facts_name = "sonograd";

// Strings of variable length, which HDF5 allots and takes back.
Names variable_strings(hid_t attribute, hid_t space, std::size_t count) {
  std::string path(static_cast<std::size_t>(std::max<ssize_t>(H5Fget_name(attribute, nullptr, 0), 0)), '\0');
  h5_check(static_cast<herr_t>(H5Fget_name(attribute, path.data(), path.size() + 1)));
  check_heaps(path);
  const H5Handle memory = h5_open(H5Tcopy(H5T_C_S1), H5Tclose);
  h5_check(H5Tset_size(memory, H5T_VARIABLE));
  const H5Handle kept = h5_open(H5Aget_type(attribute), H5Tclose);
  h5_check(H5Tset_cset(memory, H5Tget_cset(kept)));
  std::vector<char*> texts(count, nullptr);
  h5_check(H5Aread(attribute, memory, texts.data()));
  Names names;
  for (const char* text : texts) names.emplace_back(text ? text : "");
  h5_check(H5Dvlen_reclaim(memory, space, H5P_DEFAULT, texts.data()));
  return names;
}

Names fixed_strings(hid_t attribute, hid_t type, std::size_t count, std::size_t length) {
  std::string bytes(count * length, '\0');
  h5_check(H5Aread(attribute, type, bytes.data()));
  Names names;
  for (std::size_t i = 0; i < count; ++i) {
    const char* const begin = bytes.data() + i * length;
    names.emplace_back(begin, ::strnlen(begin, length));
  }
  return names;
}

}  // namespace

Names h5_texts(hid_t group, const std::string& name, Int file_bytes) {
  const H5Handle attribute = h5_open(H5Aopen(group, name.c_str(), H5P_DEFAULT), H5Aclose);
  const H5Handle space = h5_open(H5Aget_space(attribute), H5Sclose);
  const H5Handle type = h5_open(H5Aget_type(attribute), H5Tclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  const std::size_t length = H5Tget_size(type);
  Int bytes = 0;
  expect(count >= 0 && length > 0 && !__builtin_mul_overflow(count, length, &bytes) && bytes <= file_bytes,
         "its list {} is larger than the file; {}", name, damaged);
  if (count == 0) return {};
  expect(H5Tget_class(type) == H5T_STRING, "its list {} holds no texts; {}", name, damaged);
  const auto number = static_cast<std::size_t>(count);
  return H5Tis_variable_str(type) > 0 ? variable_strings(attribute, space, number)
                                      : fixed_strings(attribute, type, number, length);
}

void write_facts(H5Image& image, const Facts& facts) {
  Names lines;
  for (const auto& [key, value] : facts) lines.push_back(fmt::format("{}={}", key, value));
  if (!lines.empty()) image.texts(image.group("/"), facts_name, lines);
}

void read_facts(const H5Tensors& file, Facts& into) {
  if (H5Aexists(file.id(), facts_name) <= 0) return;
  for (const std::string& line : h5_texts(file.id(), facts_name, file.bytes())) {
    const std::size_t sign = line.find('=');
    if (sign != std::string::npos) into[line.substr(0, sign)] = line.substr(sign + 1);
  }
}

}  // namespace sonograd

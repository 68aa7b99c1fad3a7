#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "models/weights/element_type.h"
#include "models/weights/open_file.h"
#include "models/weights/safetensors.h"

namespace sonograd {
namespace {

using nlohmann::json;

constexpr Int prefix = 8;                // bytes of the header's length
constexpr Int longest_header = 1 << 24;  // a header of 16 MiB names more than 100,000 tensors

struct Entry {
  std::string name;
  ElementType type = ElementType::f32;
  Shape shape;
  Int begin = 0, end = 0;  // bytes, from the end of the header
};

template <class... Args>
void rule(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) throw Error("{}; {}", fmt::format(format, std::forward<Args>(args)...), damaged);
}

std::string read_header(const OpenFile& file) {
  rule(file.size() >= prefix, "{} bytes are too few for a header", file.size());
  std::uint64_t length = 0;
  file.read(0, &length, prefix);
  rule(length <= static_cast<std::uint64_t>(longest_header), "a header of {} bytes is past the limit of {}",
       length, longest_header);
  const Int bytes = static_cast<Int>(length);
  rule(bytes <= file.size() - prefix, "the header of {} bytes is cut short, the file has {}", bytes,
       file.size());
  return file.read(prefix, bytes);
}

// JSON that holds a name twice is refused (a parser that keeps the first and one that keeps the last would
// read different weights), and so is JSON deeper than a header is.
json parse_header(const std::string& text) {
  constexpr int deepest = 2;  // header, tensor, list of sizes
  std::vector<std::set<std::string>> names(deepest + 2);
  const auto check = [&](int depth, json::parse_event_t event, json& value) {
    rule(depth <= deepest + 1, "the header is nested too deeply");
    if (event == json::parse_event_t::object_start) names[static_cast<std::size_t>(depth)].clear();
    if (event == json::parse_event_t::key) {
      const auto& name = value.get_ref<const std::string&>();
      rule(names[static_cast<std::size_t>(depth - 1)].insert(name).second, "the header names {} twice",
           printable(name));
    }
    return true;
  };
  try {
    json header = json::parse(text, check);
    rule(text[0] == '{' && header.is_object(), "the header is not a JSON object");
    return header;
  } catch (const json::exception&) {
    throw Error(
        "the header is not JSON; the file is damaged or of another format: copy or download it again");
  }
}

Facts read_facts(const json& metadata) {
  rule(metadata.is_object(), "__metadata__ is not an object");
  Facts facts;
  for (const auto& [key, value] : metadata.items()) {
    rule(value.is_string(), "the fact {} in __metadata__ is not a text", printable(key));
    facts[key] = value.get<std::string>();
  }
  return facts;
}

// A list of whole numbers from 0 on.
std::vector<Int> read_numbers(const std::string& tensor, const json& entry, const char* key) {
  const auto list = entry.find(key);
  rule(list != entry.end() && list->is_array(), "tensor {} has no list {}", tensor, key);
  std::vector<Int> numbers;
  for (const json& number : *list) {
    rule(number.is_number_unsigned() && number.get<std::uint64_t>() <= INT64_MAX, "tensor {}: {} holds {}",
         tensor, key, printable(number.dump(-1, ' ', true)));
    numbers.push_back(number.get<Int>());
  }
  return numbers;
}

Entry read_entry(const std::string& name, const json& entry, Int data_bytes) {
  const std::string tensor = printable(name);
  rule(entry.is_object(), "tensor {} is not described by an object", tensor);
  const auto dtype = entry.find("dtype");
  rule(dtype != entry.end() && dtype->is_string(), "tensor {} has no dtype", tensor);
  const auto type = element_type(dtype->get_ref<const std::string&>());
  expect(type.has_value(),
         "tensor {} has dtype {}, which is not read (F64 F32 F16 BF16 I64 are); save it as F32", tensor,
         printable(dtype->get_ref<const std::string&>()));

  Entry result{name, *type, {}, 0, 0};
  const std::vector<Int> sizes = read_numbers(tensor, entry, "shape");
  expect(sizes.size() <= Shape::max_rank, "tensor {} has {} axes, at most {} are read", tensor, sizes.size(),
         Shape::max_rank);
  for (const Int size : sizes) result.shape.push_back(size);
  const std::optional<Int> bytes = result.shape.counted(size_of(*type));
  rule(bytes.has_value(), "tensor {}: its shape overflows", tensor);
  const std::vector<Int> offsets = read_numbers(tensor, entry, "data_offsets");
  rule(offsets.size() == 2 && offsets[0] <= offsets[1], "tensor {}: data_offsets are no range", tensor);
  result.begin = offsets[0];
  result.end = offsets[1];
  rule(result.end - result.begin == *bytes, "tensor {}: {} {} needs {} bytes, data_offsets [{},{}] hold {}",
       tensor, name_of(*type), result.shape.text(), *bytes, result.begin, result.end,
       result.end - result.begin);
  rule(result.end <= data_bytes, "tensor {} ends at byte {} of the data, the file holds {}: it is cut short",
       tensor, result.end, data_bytes);
  return result;
}

// The data of the tensors, in order, are the file's bytes: each once, none left.
void check_cover(const std::vector<Entry>& entries, Int data_bytes) {
  Int end = 0;
  for (const Entry& entry : entries) {
    rule(entry.begin >= end, "tensor {} overlaps the one before it", printable(entry.name));
    rule(entry.begin == end, "{} bytes before tensor {} belong to no tensor", entry.begin - end,
         printable(entry.name));
    end = entry.end;
  }
  rule(end == data_bytes, "{} bytes after the last tensor belong to none", data_bytes - end);
}

StoredTensor stored_tensor(Entry entry, std::shared_ptr<const OpenFile> file, Int data) {
  StoredTensor tensor{entry.name, entry.shape, entry.type, {}};
  tensor.read = [entry = std::move(entry), file = std::move(file), data] {
    return decode(entry.type, entry.shape,
                  [&](void* into) { file->read(data + entry.begin, into, entry.end - entry.begin); });
  };
  return tensor;
}

}  // namespace

WeightFile read_safetensors(const std::filesystem::path& path) {
  const auto file = std::make_shared<const OpenFile>(path);
  WeightFile result{path, WeightFormat::safetensors, {}, {}};
  try {
    const std::string text = read_header(*file);
    const json header = parse_header(text);
    const Int data = prefix + static_cast<Int>(text.size());
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__")
        result.facts = read_facts(value);
      else
        entries.push_back(read_entry(name, value, file->size() - data));
    }
    const auto place = [](const Entry& e) { return std::pair(e.begin, e.end); };
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const Entry& a, const Entry& b) { return place(a) < place(b); });
    check_cover(entries, file->size() - data);
    for (Entry& entry : entries) result.tensors.push_back(stored_tensor(std::move(entry), file, data));
  } catch (Error& error) {
    error.prepend(fmt::format("cannot read {}: ", path.string()));
    throw;
  }
  return result;
}

}  // namespace sonograd

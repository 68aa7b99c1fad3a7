#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "models/weights/element_type.h"
#include "models/weights/safetensors.h"

namespace sonograd {
namespace {

std::string header_of(const StoredTensors& tensors, const Facts& facts) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!facts.empty()) header["__metadata__"] = facts;
  std::set<std::string_view> names{"__metadata__"};
  Int end = 0;
  for (const StoredTensor& tensor : tensors) {
    expect(names.insert(tensor.name).second, "two tensors are named {}", printable(tensor.name));
    const ElementType type = written_type(tensor.type);
    const Int begin = end;
    end += tensor.shape.elements() * size_of(type);
    header.push_back({tensor.name,
                      {{"dtype", name_of(type)},
                       {"shape", std::vector<Int>(tensor.shape.begin(), tensor.shape.end())},
                       {"data_offsets", {begin, end}}}});
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data begin at a multiple of 8
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const StoredTensors& tensors, const Facts& facts) {
  std::string header;
  try {
    header = header_of(tensors, facts);
  } catch (const nlohmann::json::exception&) {
    throw Error("cannot write {}: a tensor's name or a fact is not UTF-8 text; rename it", path.string());
  } catch (Error& error) {
    error.prepend(fmt::format("cannot write {}: ", path.string()));
    throw;
  }
  FileWriter file(path);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header);
  for (const StoredTensor& tensor : tensors) {
    const Tensor value = tensor.read();
    expect(value.shape() == tensor.shape, "cannot write {}: tensor {} was announced as {} and holds {}",
           path.string(), printable(tensor.name), tensor.shape.text(), value.shape().text());
    encode(written_type(tensor.type), value,
           [&](const void* data, std::size_t bytes) { file.write(data, bytes); });
  }
  file.commit();
}

}  // namespace sonograd

// Pictures that `sonograd gan sample` wrote.
#include <nlohmann/json.hpp>

#include "data/arms.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/json_fault.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;

// Adds the class's pictures, unread, to `made`.
void list_class(Dataset& made, Int label, const fs::path& folder, Int count) {
  const fs::path lineage = folder / "lineage.json";
  expect(fs::exists(lineage),
         "{}: no such file; have `sonograd gan sample` write {} images of class {} into {}", lineage.string(),
         count, made.classes[label], folder.string());
  try {
    const auto json = nlohmann::json::parse(read_file(lineage));
    GeneratorOrigin generator{json.at("run").get<std::string>(), json.at("seed").get<std::uint64_t>(), {}};
    for (const auto& ancestor : json.at("ancestors"))
      generator.ancestors.push_back(ancestor.at("sha256").get<std::string>());
    made.generators.push_back(std::move(generator));
    const auto& images = json.at("images");
    expect(static_cast<Int>(images.size()) >= count,
           "it lists {} images where {} are wanted; sample more, or lower --target", images.size(), count);
    const fs::path from = fs::relative(folder, made.root);
    for (Int i = 0; i < count; ++i)
      made.samples.push_back(
          {(from / images[i].at("file").get<std::string>()).generic_string(), label, "",
           Generated{static_cast<Int>(made.generators.size()) - 1, images[i].at("index").get<Int>()}});
  } catch (const nlohmann::json::exception& error) {
    throw Error("{}: not the lineage of generated images: {}; have `sonograd gan sample` write them again",
                lineage.string(), fault_of(error));
  } catch (Error& error) {
    error.prepend(lineage.string() + ": ");
    throw;
  }
}

}  // namespace

std::vector<Int> append_generated(Dataset& data, ImageSet& images, Dataset made) {
  if (made.samples.empty()) return {};
  append(images, read_images(made, images.height, images.width, OnBadFile::fail));
  const Int first = static_cast<Int>(data.generators.size());
  data.generators.insert(data.generators.end(), made.generators.begin(), made.generators.end());
  std::vector<Int> added;
  for (LabelledFile& sample : made.samples) {
    std::get<Generated>(sample.origin).generator += first;
    added.push_back(data.size());
    data.samples.push_back(std::move(sample));
  }
  return added;
}

std::vector<Int> add_generated(Dataset& data, ImageSet& images, const fs::path& folder,
                               const std::vector<Int>& counts) {
  Dataset made;
  made.root = data.root;
  made.classes = data.classes;
  for (Int label = 0; label < static_cast<Int>(counts.size()); ++label)
    if (counts[label] > 0) list_class(made, label, folder / data.classes[label], counts[label]);
  hash_files(made);
  return append_generated(data, images, std::move(made));
}

}  // namespace sonograd

// Pictures that `sonograd gan sample` wrote.
#include "data/generated.h"

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json_fault.h"
#include "data/arms.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;

// Adds the class's pictures, with the hashes that their lineage tells, to `made`.
void list_class(Dataset& made, Int label, const fs::path& folder, Int count) {
  const fs::path lineage = folder / "lineage.json";
  expect(fs::exists(lineage),
         "{}: no such file; have `sonograd gan sample` write {} images of class {} into {}", lineage.string(),
         count, made.classes[label], folder.string());
  GeneratedFolder found = read_generated(folder);
  expect(found.class_name == made.classes[label], "{}: these are pictures of class {}, not {}",
         lineage.string(), found.class_name, made.classes[label]);
  expect(static_cast<Int>(found.pictures.size()) >= count,
         "{}: it lists {} images where {} are wanted; sample more, or lower --target", lineage.string(),
         found.pictures.size(), count);
  const fs::path from = fs::relative(folder, made.root);
  for (Int i = 0; i < count; ++i) {
    LabelledFile& picture = found.pictures[static_cast<std::size_t>(i)];
    picture.file = (from / picture.file).generic_string();
    picture.label = label;
    std::get<Generated>(picture.origin).generator = static_cast<Int>(made.generators.size());
    made.samples.push_back(std::move(picture));
  }
  made.generators.push_back(std::move(found.generator));
}

void expect_as_told(Dataset& made) {
  std::map<std::string, std::string> told;
  for (const LabelledFile& picture : made.samples) told[picture.file] = picture.sha256;
  hash_files(made);
  for (const LabelledFile& picture : made.samples)
    expect(
        picture.sha256 == told[picture.file],
        "{} is not the picture that its lineage.json tells of; have `sonograd gan sample` write the folder "
        "again",
        (made.root / picture.file).lexically_normal().string());
}

}  // namespace

GeneratedFolder read_generated(const fs::path& folder) {
  const fs::path lineage = folder / "lineage.json";
  try {
    const auto json = nlohmann::json::parse(read_file(lineage));
    GeneratedFolder found{json.at("class").get<std::string>(),
                          {json.at("run").get<std::string>(), json.at("seed").get<std::uint64_t>(), {}},
                          {}};
    for (const auto& ancestor : json.at("ancestors"))
      found.generator.ancestors.push_back(ancestor.at("sha256").get<std::string>());
    found.generator.sha256 = json.at("generator_sha256").get<std::string>();
    for (const auto& image : json.at("images")) {
      std::string file = image.at("file").get<std::string>();
      expect(image.contains("sha256"),
             "{}: it does not hash {}, as an earlier version wrote it: whether these are its pictures cannot "
             "be told; have `sonograd gan sample` draw them again",
             lineage.string(), file);
      found.pictures.push_back({std::move(file), 0, image["sha256"].get<std::string>(),
                                Generated{0, image.at("index").get<Int>()}});
    }
    return found;
  } catch (const nlohmann::json::exception& error) {
    throw Error("{}: not the lineage of generated images: {}; have `sonograd gan sample` write them again",
                lineage.string(), fault_of(error));
  }
}

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
  expect_as_told(made);
  return append_generated(data, images, std::move(made));
}

}  // namespace sonograd

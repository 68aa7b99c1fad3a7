#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/folder.h"

namespace sonograd {

// A folder of pictures that `sonograd gan sample` wrote, as its lineage.json tells of it.
struct GeneratedFolder {
  std::string class_name;
  GeneratorOrigin generator;
  std::vector<LabelledFile> pictures;  // files by their names in the folder; origins are Generated{0, index}
};

// Throws Error where there is no lineage.json, or one that does not hash its pictures and their generator:
// nobody could tell then whether the pictures are those that it tells of.
GeneratedFolder read_generated(const std::filesystem::path& folder);

}  // namespace sonograd

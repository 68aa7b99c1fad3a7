#include "data/folder.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"
#include "data/sha256.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;

// Names of what stands in a folder, in byte order, without hidden entries.
std::vector<std::string> names_in(const fs::path& folder, bool folders) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name.front() == '.') continue;
    expect(!folders || !fs::is_symlink(entry->path(), ignored) || fs::exists(entry->path(), ignored),
           "{}: it is a link that leads nowhere, and may stand for a class; mend or remove it",
           entry->path().string());
    if (fs::is_directory(entry->path(), ignored) == folders) names.push_back(name);
  }
  expect(!error, "cannot read folder {}: {}; give a folder that holds one folder a class", folder.string(),
         error.message());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> in_code_order(std::vector<std::string> found, const std::vector<std::string>& order,
                                       const fs::path& root) {
  const std::vector<std::string> ultrasound = {"benign", "normal", "malignant"};
  const auto same = [&](const std::vector<std::string>& names) {
    return std::is_permutation(names.begin(), names.end(), found.begin(), found.end());
  };
  if (order.empty()) return same(ultrasound) ? ultrasound : found;
  expect(same(order), "{}: its class folders are {}, but the classes asked for are {}", root.string(),
         fmt::join(found, ","), fmt::join(order, ","));
  return order;
}

}  // namespace

void hash_files(Dataset& data) {
  std::vector<std::string> reasons(data.samples.size());
  parallel_for(data.size(), 1, [&](Int begin, Int end) {
    for (Int i = begin; i < end; ++i) {
      try {
        data.samples[i].sha256 = sha256(read_file(data.root / data.samples[i].file));
      } catch (const std::exception& error) {
        reasons[i] = error.what();
      }
    }
  });
  move_to_bad(data, reasons);
}

std::vector<Int> Dataset::labels() const {
  std::vector<Int> result;
  for (const LabelledFile& sample : samples) result.push_back(sample.label);
  return result;
}

std::vector<Int> Dataset::class_counts() const {
  std::vector<Int> counts(classes.size());
  for (const LabelledFile& sample : samples) ++counts[sample.label];
  return counts;
}

bool is_class_name(const std::string& name) {
  return is_utf8(name) && std::none_of(name.begin(), name.end(),
                                       [](unsigned char c) { return c < ' ' || c == 0x7f || c == ','; });
}

bool is_image_name(const std::string& name) {
  std::string suffix = fs::path(name).extension().string();
  for (char& letter : suffix) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  const bool image = suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg" || suffix == ".bmp";
  return image && name.find("_mask") == std::string::npos;
}

Dataset list_folder(const fs::path& root, const std::vector<std::string>& class_order) {
  Dataset data;
  data.root = root;
  const std::vector<std::string> found = names_in(root, true);
  expect(found.size() >= 2, "{}: holds {} class folder{}; at least two are needed, each with its images",
         root.string(), found.empty() ? "no" : "only one", found.empty() ? "" : ", " + found.front());
  data.classes = in_code_order(found, class_order, root);
  for (Int label = 0; label < static_cast<Int>(data.classes.size()); ++label) {
    const std::string& folder = data.classes[label];
    expect(
        is_class_name(folder),
        "{}: class folder {}: its name must be UTF-8 without commas, which part names in lists, and without "
        "control characters; `ls -b` shows it, rename it",
        root.string(), printable(folder));
    const Int before = data.size();
    for (const std::string& name : names_in(root / folder, false)) {
      expect(is_utf8(name),
             "{}: a file's name is not UTF-8, in which names are kept; `ls -b` shows it, rename it",
             (root / folder).string());
      if (is_image_name(name))
        data.samples.push_back({fmt::format("{}/{}", folder, name), label, ""});
      else if (name.find("_mask") == std::string::npos)
        ++data.ignored;
    }
    expect(data.size() > before,
           "{}: the class folder holds no images (.png, .jpg, .bmp; neither masks nor sub-folders)",
           (root / folder).string());
  }
  hash_files(data);
  return data;
}

void move_to_bad(Dataset& data, const std::vector<std::string>& reasons) {
  std::vector<LabelledFile> good;
  for (Int i = 0; i < data.size(); ++i) {
    if (reasons[i].empty())
      good.push_back(std::move(data.samples[i]));
    else
      data.bad.push_back({data.samples[i].file, reasons[i]});
  }
  data.samples = std::move(good);
}

void reorder(Dataset& data, const std::vector<std::string>& files) {
  std::unordered_map<std::string, Int> place;
  for (Int i = 0; i < data.size(); ++i) place[data.samples[i].file] = i;
  std::vector<LabelledFile> ordered;
  for (const std::string& file : files) {
    const auto at = place.find(file);
    expect(at != place.end(),
           "the order list names {}, which is not an image of {} or stands in the list twice", file,
           data.root.string());
    ordered.push_back(data.samples[at->second]);
    place.erase(at);
  }
  expect(place.empty(), "the order list leaves out {} images of {}, among them {}", place.size(),
         data.root.string(), place.empty() ? "" : place.begin()->first);
  data.samples = std::move(ordered);
}

std::vector<std::string> read_order(const fs::path& list) {
  std::istringstream text(read_file(list));
  std::vector<std::string> files;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) files.push_back(line);
  }
  return files;
}

std::string data_hash(const Dataset& data) {
  std::vector<std::string> lines;
  for (const LabelledFile& sample : data.samples)
    if (is_original(sample.origin)) lines.push_back(sample.file + '\0' + sample.sha256 + '\n');
  std::sort(lines.begin(), lines.end());
  return sha256(fmt::format("{}", fmt::join(lines, "")));
}

std::vector<std::string> find_images(const std::vector<std::string>& paths) {
  std::vector<std::string> images;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      images.push_back(path);  // whoever reads it says where it is none
      continue;
    }
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error))
      if (std::error_code ignored;
          !entry->is_directory(ignored) && is_image_name(entry->path().filename().string()))
        found.push_back(entry->path().lexically_relative(path).generic_string());
    expect(!error, "cannot read folder {}: {}", path, error.message());
    expect(!found.empty(), "{}: the folder holds no images (.png, .jpg, .bmp; masks are none)", path);
    std::sort(found.begin(), found.end());
    for (const std::string& file : found) images.push_back((fs::path(path) / file).string());
  }
  return images;
}

}  // namespace sonograd

#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/lineage.h"

namespace sonograd {

struct LabelledFile {
  std::string
      file;  // relative to the data folder, with '/'; an augmented copy's: "a/b.png" of pass 2: "a/b#2.png"
  Int label = 0;       // the class's code
  std::string sha256;  // of the file; of an augmented copy: of its source's and its parameters
  Origin origin = {};
};

struct UnreadableFile {
  std::string file;
  std::string reason;
};

// A folder with one sub-folder a class. Classes in code order; samples class by class, files in byte order of
// their names within a class.
struct Dataset {
  std::filesystem::path root;
  std::vector<std::string> classes;
  std::vector<LabelledFile> samples;
  std::vector<UnreadableFile> bad;  // files that cannot be read or decoded; not among the samples
  Int ignored = 0;  // files in class folders that are neither images nor masks, by their names
  std::vector<GeneratorOrigin> generators = {};  // of the generated images among the samples

  Int size() const { return static_cast<Int>(samples.size()); }
  std::vector<Int> labels() const;
  std::vector<Int> class_counts() const;
};

// An image by its name: ends in .png, .jpg, .jpeg or .bmp (any case), and holds no "_mask".
bool is_image_name(const std::string& name);

// Lists and hashes the images of a folder; nothing is decoded. Codes: benign, normal, malignant = 0, 1, 2;
// any other set of names in byte order; `class_order`, if given, must be the same names in the order wanted.
// Folders inside a class and names that begin with a dot are not read. A file that cannot be opened goes to
// `bad`. Throws Error for a missing folder, for fewer than two classes and for a class without images.
Dataset list_folder(const std::filesystem::path& root, const std::vector<std::string>& class_order = {});

// Reads and hashes all samples' files; those that cannot be read move to `bad`.
void hash_files(Dataset& data);

// Moves every sample that has a reason (one text a sample, empty for a good one) from the samples to `bad`.
void move_to_bad(Dataset& data, const std::vector<std::string>& reasons);

// Puts the samples in the order of a list of their relative paths, each exactly once; throws Error otherwise.
void reorder(Dataset& data, const std::vector<std::string>& files);

// The lines of a list file, one relative path each; empty lines and line ends of any system are left out.
std::vector<std::string> read_order(const std::filesystem::path& list);

// SHA-256 over names and contents of all samples that are files of the folder, whatever their order and the
// folder's place.
std::string data_hash(const Dataset& data);

// Whether a class may have this name, which lists, tables and JSON hold: UTF-8 without commas and control
// characters.
bool is_class_name(const std::string& name);

// The images under each path: a file stands for itself, a folder for all images in it at any depth, in byte
// order of their relative paths. Paths are as given or reached; whether a file is there shows when it is
// read. Throws Error for a folder without images.
std::vector<std::string> find_images(const std::vector<std::string>& paths);

}  // namespace sonograd

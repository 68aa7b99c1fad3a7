#pragma once
#include <filesystem>
#include <string>

namespace sonograd {

// The folder that a run leaves behind, and the names in it.
class RunFolder {
 public:
  // A folder for a new run, which is not made yet. One that already holds something is refused with an Error,
  // unless `resume`: then the run there is taken up, and an empty folder begins one. Refused are also a run
  // whose weights would be written over, as its checkpoint is gone, and a place where nothing can be written.
  static RunFolder check(std::filesystem::path folder, bool resume = false);
  // With its parents. From here on it is this process' own: throws Error where another one is at work in it.
  void make() const;
  static RunFolder create(std::filesystem::path folder, bool resume = false);  // both
  // The names alone.
  static RunFolder at(std::filesystem::path folder) { return RunFolder(std::move(folder)); }
  static RunFolder open(std::filesystem::path folder);  // throws Error where no run was ever written

  const std::filesystem::path& path() const { return folder; }
  bool started() const { return std::filesystem::exists(manifest()); }
  bool finished() const { return std::filesystem::exists(metrics()); }

  std::filesystem::path manifest() const { return folder / "manifest.json"; }
  std::filesystem::path history() const { return folder / "history.csv"; }
  std::filesystem::path split() const { return folder / "split.json"; }
  std::filesystem::path metrics() const { return folder / "metrics.json"; }
  std::filesystem::path predictions() const { return folder / "predictions.csv"; }
  std::filesystem::path report() const { return folder / "report.html"; }
  std::filesystem::path checkpoint() const { return folder / "checkpoint.safetensors"; }
  std::filesystem::path best() const { return folder / "best.safetensors"; }
  std::filesystem::path last() const { return folder / "last.safetensors"; }
  std::filesystem::path figure(const std::string& name) const { return folder / "figures" / (name + ".svg"); }
  std::filesystem::path table(const std::string& name) const { return folder / "tables" / (name + ".csv"); }

 private:
  explicit RunFolder(std::filesystem::path path) : folder(std::move(path)) {}
  std::filesystem::path folder;
};

}  // namespace sonograd

#include "report/run_folder.h"

#include "tensor/error.h"
#include "tensor/file.h"

namespace sonograd {

namespace fs = std::filesystem;

// Leftovers of a write that was cut short do not count.
static bool holds_nothing(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".tmp") return false;
  }
  return true;
}

RunFolder RunFolder::create(fs::path path, bool resume) {
  RunFolder run = check(std::move(path), resume);
  run.make();
  return run;
}

void RunFolder::make() const {
  make_folder(folder);
}

RunFolder RunFolder::check(fs::path path, bool resume) {
  RunFolder run(std::move(path));
  const std::string name = run.folder.string();
  const bool taken = fs::exists(run.folder) && !(fs::is_directory(run.folder) && holds_nothing(run.folder));
  expect(!taken || fs::is_directory(run.folder),
         "cannot make the run folder {}: a file has that name; choose another", name);
  expect(!taken || !run.finished() || resume, "{} holds a finished run; choose another folder for this one",
         name);
  expect(!taken || !run.started() || resume,
         "{} holds a run that did not finish; resume it or choose another folder", name);
  expect(!taken || run.started(), "{} is not empty and holds no run; choose another folder", name);
  check_folder(run.folder);
  return run;
}

RunFolder RunFolder::open(fs::path path) {
  RunFolder run(std::move(path));
  expect(fs::is_directory(run.folder), "there is no run folder {}; check the path", run.folder.string());
  expect(run.started(), "{} holds no run: manifest.json is missing; check the path", run.folder.string());
  return run;
}

}  // namespace sonograd

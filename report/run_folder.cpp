#include "report/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace sonograd {

namespace fs = std::filesystem;

// Leftovers of a write that was cut short do not count.
static bool holds_nothing(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".tmp") return false;
  }
  return true;
}

// Those of a finished epoch, phase or GAN: behind each there is a checkpoint or a finished run.
static bool holds_weights(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".safetensors") return true;
  return false;
}

RunFolder RunFolder::create(fs::path path, bool resume) {
  RunFolder run = check(std::move(path), resume);
  run.make();
  return run;
}

// Until the process ends, which lets go of it however it ends. A file system that knows no locks guards
// nothing.
static void lock_for_this_process(const fs::path& folder) {
  static std::mutex mutex;
  static std::set<std::pair<dev_t, ino_t>> ours;
  const std::lock_guard guard(mutex);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat facts {};
  if (descriptor < 0 || ::fstat(descriptor, &facts) != 0) return;
  const std::pair<dev_t, ino_t> here{facts.st_dev, facts.st_ino};
  if (ours.count(here) == 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    ours.insert(here);
    return;  // it stays open
  }
  const bool taken = ours.count(here) == 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  expect(!taken, "another process is at work in {}; wait for its end or choose another folder",
         folder.string());
}

void RunFolder::make() const {
  make_folder(folder);
  lock_for_this_process(folder);
}

RunFolder RunFolder::check(fs::path path, bool resume) {
  RunFolder run(std::move(path));
  const std::string name = run.folder.string();
  const bool taken = fs::exists(run.folder) && !(fs::is_directory(run.folder) && holds_nothing(run.folder));
  expect(!taken || fs::is_directory(run.folder),
         "cannot make the run folder {}: a file has that name; choose another", name);
  expect(!taken || !run.finished() || resume, "{} holds a finished run; choose another folder for this one",
         name);
  const bool can_go_on = run.finished() || fs::exists(run.checkpoint());
  expect(
      !taken || !run.started() || can_go_on || !holds_weights(run.folder),
      "{} holds trained weights, but neither the checkpoint.safetensors to go on from nor the metrics.json "
      "of a finished run; put it back or choose another folder",
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

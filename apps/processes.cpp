#include "apps/processes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "apps/stop.h"
#include "base/parallel.h"
#include "tensor/gpu/gpu.h"

namespace sonograd {

void Processes::join() {
  try {
    joined = join_group();
  } catch (const Error&) {
    if (launched_rank() > 0) std::_Exit(0);  // with another status mpirun might end the one that says it
    throw;
  }
  if (group().alone()) return;
  stop_without_a_word();
  gpu::device_index() = static_cast<int>(joined->place_here());
  const auto cores = static_cast<Int>(::sysconf(_SC_NPROCESSORS_ONLN));
  const Int part = std::max<Int>(1, cores / joined->on_this_machine());
  if (!std::getenv("OMP_NUM_THREADS")) set_threads(static_cast<int>(std::min<Int>(threads(), part)));
  if (joined->leads()) return;
  voice = ::dup(STDERR_FILENO);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  expect(voice >= 0 && nowhere >= 0 && ::dup2(nowhere, STDOUT_FILENO) >= 0 &&
             ::dup2(nowhere, STDERR_FILENO) >= 0,
         "cannot open /dev/null");
  ::close(nowhere);
}

int Processes::fail(const std::string& why, int status) const {
  Group& all = group();
  // What fails here fails in the first process as well, most often: it says so then, and ends this one. Open
  // MPI may take a second to do so, and more where others take the cores.
  if (!all.leads()) std::this_thread::sleep_for(std::chrono::seconds(5));
  const std::string line =
      all.leads() ? fmt::format("sonograd: {}\n", why)
                  : fmt::format("sonograd: process {} of {}: {}\n", all.rank() + 1, all.size(), why);
  [[maybe_unused]] const ssize_t written = ::write(voice, line.data(), line.size());
  if (!all.alone()) all.abort(status);
  return status;
}

int Processes::stop(const std::string& why, int status) const {
  if (group().leads()) fmt::print(stderr, "sonograd: {}\n", why);
  return status;
}

}  // namespace sonograd

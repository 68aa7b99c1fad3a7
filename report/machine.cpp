#include <sched.h>
#include <sys/utsname.h>

#include <ctime>
#include <fstream>

#include "base/error.h"
#include "report/manifest.h"

namespace sonograd {
namespace {

// The text after the separator on the first line of a file that begins with `key`; "" where there is none.
std::string field(const char* path, const std::string& key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto at = line.find(separator);
    if (line.rfind(key, 0) != 0 || at == std::string::npos) continue;
    const auto first = line.find_first_not_of(" \t\"", at + 1);
    if (first == std::string::npos) return "";
    return line.substr(first, line.find_last_not_of(" \t\"") - first + 1);
  }
  return "";
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.processor = field("/proc/cpuinfo", "model name", ':');
  machine.memory_gib = std::strtod(field("/proc/meminfo", "MemTotal", ':').c_str(), nullptr) / (1024 * 1024);
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) machine.cores = CPU_COUNT(&cores);
  machine.system = field("/etc/os-release", "PRETTY_NAME", '=');
  utsname kernel{};
  if (uname(&kernel) == 0) {
    machine.system +=
        fmt::format("{}{} {}", machine.system.empty() ? "" : ", ", kernel.sysname, kernel.release);
  }
  return machine;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace sonograd

#include "base/shared_library.h"

#include <dlfcn.h>
#include <glob.h>

#include <cstdlib>
#include <sstream>
#include <vector>

#include "base/error.h"

namespace sonograd {

// What of an environment of Python matches, in the order of the names.
static void add_pips(const std::string& environment, const std::string& file,
                     std::vector<std::string>& found) {
  glob_t matches{};
  const std::string pattern = environment + "/lib/python3*/site-packages/nvidia/*/lib/" + file;
  if (glob(pattern.c_str(), 0, nullptr, &matches) == 0)
    found.insert(found.end(), matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  globfree(&matches);
}

static std::vector<std::string> places(const std::string& file) {
  std::vector<std::string> found;
  const char* const given = std::getenv("SONOGRAD_CUDA_LIBRARIES");
  std::istringstream folders(given ? given : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (!folder.empty()) found.push_back(folder + "/" + file);
  for (const char* folder : {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/"})
    found.push_back(folder + file);
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const char* const environment = std::getenv(variable)) add_pips(environment, file, found);
  return found;
}

SharedLibrary::SharedLibrary(const std::string& file) : file(file) {
  std::string refusals;
  for (const std::string& place : places(file)) {
    handle = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle) return;
    refusals += (refusals.empty() ? "" : "; ") + std::string(dlerror());
  }
  throw Error("{} cannot be opened ({}); install it, or name its folder in SONOGRAD_CUDA_LIBRARIES", file,
              refusals);
}

void* SharedLibrary::address(const char* name) const {
  void* const found = dlsym(handle, name);
  expect(found, "{} has no function {}; it is of another version than this program was built for", file,
         name);
  return found;
}

}  // namespace sonograd

#include "tensor/shared_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <sstream>
#include <vector>

#include "tensor/error.h"

namespace sonograd {

static std::vector<std::string> places() {
  std::vector<std::string> found;
  const char* const given = std::getenv("SONOGRAD_CUDA_LIBRARIES");
  std::istringstream folders(given ? given : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (!folder.empty()) found.push_back(folder + "/");
  for (const char* folder : {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/"})
    found.emplace_back(folder);
  return found;
}

SharedLibrary::SharedLibrary(const std::string& file) : file(file) {
  std::string refusals;
  for (const std::string& place : places()) {
    handle = dlopen((place + file).c_str(), RTLD_NOW | RTLD_LOCAL);
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

#pragma once
#include <string>

namespace sonograd {

// A shared library that is opened while the program runs, so that the program starts on machines without it.
// It is looked for in the folders that SONOGRAD_CUDA_LIBRARIES lists (split at ':'), then where the system's
// loader looks, then in /usr/local/cuda, then where pip puts NVIDIA's packages in the active environment of
// Python (VIRTUAL_ENV, CONDA_PREFIX). It stays open until the process ends.
class SharedLibrary {
 public:
  explicit SharedLibrary(const std::string& file);  // throws Error with what the loader said of each place

  // F is the function's type, for example decltype(cudnnCreate). Throws Error where the library lacks it.
  template <class F>
  F* function(const char* name) const {
    return reinterpret_cast<F*>(address(name));
  }

 private:
  void* address(const char* name) const;

  std::string file;
  void* handle = nullptr;
};

// Puts a library's function into the member of a table that has its type.
#define SONOGRAD_FIND(library, table, member, name) (table).member = (library).function<decltype(name)>(#name)

}  // namespace sonograd

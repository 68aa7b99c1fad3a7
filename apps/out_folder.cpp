#include "apps/out_folder.h"

#include "base/error.h"

namespace sonograd {

void expect_outside(const std::filesystem::path& out, const std::filesystem::path& data) {
  const std::filesystem::path way = weakly_canonical(out).lexically_relative(weakly_canonical(data));
  expect(way.empty() || *way.begin() == "..",
         "--out {} lies in the folder of images {}, where it would be taken for a class; choose a folder "
         "outside",
         out.string(), data.string());
}

}  // namespace sonograd

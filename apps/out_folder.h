#pragma once
#include <filesystem>

namespace sonograd {

// Throws Error where `out` lies in the folder of images `data`, whose next reader would take it for a class.
void expect_outside(const std::filesystem::path& out, const std::filesystem::path& data);

}  // namespace sonograd

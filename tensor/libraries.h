#pragma once
#include <string>

namespace sonograd {

std::string onednn_version();  // of the library that is loaded, 2.6.3

}  // namespace sonograd

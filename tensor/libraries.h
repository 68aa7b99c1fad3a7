#pragma once
#include <string>

namespace sonograd {

std::string onednn_version();   // of the library that is loaded, 2.6.3
std::string instruction_set();  // the best on this machine that the kernels' clones are made for

}  // namespace sonograd

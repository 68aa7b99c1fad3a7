#pragma once
#include <string>

namespace sonograd::gpu {

// "; the gpu is lost to this process, start it again" where an error has ended its use of the gpu, else
// nothing: what texts of other libraries' errors end with.
std::string lost();

}  // namespace sonograd::gpu

#pragma once
#include <string>
#include <vector>

namespace sonograd::convolution {

// The convolutions on the gpu that cuDNN had no engine for, or a slow one alone, so that columns.h computed
// them: each once, in the order in which this process met them.
std::vector<std::string> unserved();
void note_unserved(const std::string& convolution);

}  // namespace sonograd::convolution

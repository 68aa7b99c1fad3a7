#pragma once
#include <string>

namespace sonograd {

// The convolutions on the gpu that this process computed without cuDNN, as it had no engine for them: what
// belongs behind device_text() once the work is done, ", N convolutions as products of matrices", empty where
// there are none; and one line on stderr, where there are any.
std::string fallback_text();
void tell_fallbacks();

}  // namespace sonograd

#pragma once
#include <string>
#include <string_view>

namespace sonograd {

bool is_utf8(std::string_view text);

// Text from outside for an error line: in quotes, control characters escaped, all that is long cut.
std::string printable(std::string_view text);

}  // namespace sonograd

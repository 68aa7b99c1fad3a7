#include "base/text.h"

#include <nlohmann/json.hpp>

namespace sonograd {

bool is_utf8(std::string_view text) try {
  static_cast<void>(nlohmann::json(text).dump());
  return true;
} catch (const nlohmann::json::exception&) {
  return false;
}

std::string printable(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string shown = nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (shown.size() > longest) shown = shown.substr(0, longest - 4) + "…\"";
  return shown;
}

}  // namespace sonograd

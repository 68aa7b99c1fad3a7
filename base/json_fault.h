#pragma once
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

namespace sonograd {

// What is wrong with JSON that could not be taken apart, for our own errors in place of nlohmann's words.
inline std::string fault_of(const nlohmann::json::exception& error) {
  const auto* const syntax = dynamic_cast<const nlohmann::json::parse_error*>(&error);
  constexpr int overflow = 406;  // nlohmann's number of it
  if (error.id == overflow) return "a number in it is too large";
  return syntax ? fmt::format("no JSON from byte {} on", syntax->byte)
                : "an entry is missing or is of another kind";
}

}  // namespace sonograd

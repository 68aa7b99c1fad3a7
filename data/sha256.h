#pragma once
#include <string>

#include "data/image.h"

namespace sonograd {

// SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits.
std::string sha256(Bytes content);
inline std::string sha256(std::string_view text) {
  return sha256(bytes_of(text));
}

}  // namespace sonograd

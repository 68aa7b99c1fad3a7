#include "data/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "base/error.h"

namespace sonograd {

std::string sha256(Bytes content) {
  std::array<std::uint8_t, 32> digest{};
  expect(EVP_Digest(content.data(), content.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1,
         "sha256: the cryptographic library refused to hash {} bytes", content.size());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace sonograd

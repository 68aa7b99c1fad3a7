#include "base/philox.h"

#include <cmath>
#include <numbers>

#include "base/philox_rounds.h"

namespace sonograd {

Words philox(Counter counter, std::array<std::uint32_t, 2> key) {
  return philox_rounds(counter, key);
}

namespace {

// FNV-1a over the purpose's bytes, finished with a 64-bit mix, so that near seeds and names give unlike keys.
std::uint64_t mix(std::uint64_t key, std::string_view purpose) {
  std::uint64_t hash = 0xCBF29CE484222325u ^ key;
  for (const char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9u;
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBu;
  return hash ^ (hash >> 31);
}

double to_unit(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace

Random::Random(std::uint64_t seed, std::string_view purpose) : key_(mix(seed, purpose)) {}

Random Random::stream(std::string_view purpose) const {
  Random random = *this;
  random.key_ = mix(key_, purpose);
  return random;
}

Random Random::at(std::uint64_t step) const {
  Random random = *this;
  random.step_ = step;
  return random;
}

Words Random::words(std::uint64_t index) const {
  return philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                 static_cast<std::uint32_t>(step_), static_cast<std::uint32_t>(step_ >> 32)},
                {static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32)});
}

double Random::uniform(std::uint64_t index) const {
  const Words w = words(index);
  return to_unit(w[0], w[1]);
}

double Random::normal(std::uint64_t index) const {
  return normals(index)[0];
}

std::array<double, 2> Random::normals(std::uint64_t index) const {
  const Words w = words(index);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - to_unit(w[0], w[1])));
  const double angle = 2.0 * std::numbers::pi * to_unit(w[2], w[3]);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

double Random::truncated_normal(std::uint64_t index) const {
  // Rejected draws go on in a stream of their own, so that the result stays a function of step and index
  // alone.
  Random again = stream("rejected").at(index);
  again.key_ ^= step_ * 0x9E3779B97F4A7C15u;
  double z = normal(index);
  for (std::uint64_t attempt = 0; std::abs(z) > 2.0; ++attempt) z = again.normal(attempt);
  return z;
}

Int Random::below(Int bound, std::uint64_t index) const {
  const Words w = words(index);
  const std::uint64_t bits = static_cast<std::uint64_t>(w[0]) << 32 | w[1];
  return static_cast<Int>((static_cast<unsigned __int128>(bits) * static_cast<std::uint64_t>(bound)) >> 64);
}

}  // namespace sonograd

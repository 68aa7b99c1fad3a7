#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/table.h"
#include "tests/apps/program.h"

// The program on the gpu beside the cpu: SONOGRAD_PROGRAM names the one of the stand-in, which is built
// beside its tests.
namespace program {

inline nlohmann::json answer(const Arguments& arguments) {
  const Outcome outcome = run(arguments);
  check_done(outcome);
  return nlohmann::json::parse(outcome.out.empty() ? "{}" : outcome.out);
}

// The same but for fractions, which lie within `tolerance`, relative above 1.
inline void check_near(const nlohmann::json& ours, const nlohmann::json& theirs, double tolerance) {
  if (!ours.is_number_float() && !theirs.is_number_float()) {
    CHECK(ours == theirs);
    return;
  }
  const auto a = ours.get<double>(), b = theirs.get<double>();
  CAPTURE(a);
  CAPTURE(b);
  CHECK(std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b)));
}

// What a call answers on the gpu, after a check that the cpu answers the same.
inline nlohmann::json check_beside_cpu(const Arguments& call, double tolerance) {
  nlohmann::json ours = answer(with(call, {"--json", "--device", "gpu"}));
  const nlohmann::json theirs = answer(with(call, {"--json", "--device", "cpu"}));
  const nlohmann::json a = ours.flatten(), b = theirs.flatten();
  REQUIRE(a.size() == b.size());
  for (const auto& item : b.items()) {
    CAPTURE(item.key());
    REQUIRE(a.contains(item.key()));
    check_near(a.at(item.key()), item.value(), tolerance);
  }
  return ours;
}

// Two tables of numbers, but for their columns of seconds. How much alike a GAN's pictures are is told of
// pictures in 8 bits, where the last bit of a number can be a whole step of a pixel.
inline void check_tables(const std::filesystem::path& ours, const std::filesystem::path& theirs,
                         double tolerance) {
  const sonograd::Table a = sonograd::read_csv(ours), b = sonograd::read_csv(theirs);
  CHECK(a.header == b.header);
  REQUIRE(a.rows.size() == b.rows.size());
  for (std::size_t row = 0; row < b.rows.size(); ++row)
    for (std::size_t column = 0; column < b.header.size(); ++column) {
      CAPTURE(row);
      CAPTURE(b.header[column]);
      const std::string &x = a.rows[row][column], &y = b.rows[row][column];
      if (b.header[column] != "seconds" && x != y)
        check_near(sonograd::parse_number(x), sonograd::parse_number(y),
                   b.header[column] == "similarity" ? 1e-3 : tolerance);
    }
}

}  // namespace program

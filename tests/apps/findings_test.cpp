// What `sonograd experiment` says of the paper's comparisons, on made-up answers.
#include "apps/experiment/findings.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "tests/made_up_answers.h"

using namespace sonograd;

namespace {

std::string letters(Int right, Int wrong) {
  return std::string(static_cast<std::size_t>(right), 'r') +
         std::string(static_cast<std::size_t>(wrong), 'w');
}

std::map<std::string, Finding> by_id(const std::vector<Tested>& tested) {
  std::map<std::string, Finding> found;
  for (Finding& f : findings_of(tested)) found.emplace(f.id, std::move(f));
  return found;
}

}  // namespace

TEST_CASE("what is right more often on the same images is supported, and the other way round contradicted") {
  // Twelve images that only one has right: 2 / 2^12; four: 2 / 2^4.
  const auto found =
      by_id({tested("original", "aeganb3", letters(8, 12)), tested("augmented", "aeganb3", letters(20, 0)),
             tested("gan", "aeganb3", letters(4, 16))});
  REQUIRE(found.size() == 3);
  const Finding& copies = found.at("copies-aeganb3");
  CHECK(copies.standing == Standing::supported);
  CHECK(copies.points() == doctest::Approx(60));
  CHECK(copies.better.data == "augmented");
  CHECK(copies.better.correct == 20);
  CHECK(copies.other.n == 20);
  CHECK(copies.p == doctest::Approx(2 / 4096.0));
  CHECK(found.at("gan-over-copies-aeganb3").standing == Standing::contradicted);
  const Finding& gan = found.at("gan-aeganb3");
  CHECK(gan.standing == Standing::not_told_apart);
  CHECK(gan.p == doctest::Approx(0.125));
}

TEST_CASE("p values are corrected by Holm over all that was tested") {
  // 16 : 0, 12 : 0 and 4 : 0, so that sorted p are multiplied by 3, 2 and 1.
  const auto found =
      by_id({tested("original", "aeganb3", letters(8, 12)), tested("augmented", "aeganb3", letters(20, 0)),
             tested("gan", "aeganb3", letters(4, 16))});
  CHECK(found.at("gan-over-copies-aeganb3").holm == doctest::Approx(3 * 2 / 65536.0));
  CHECK(found.at("copies-aeganb3").holm == doctest::Approx(2 * 2 / 4096.0));
  CHECK(found.at("gan-aeganb3").holm == doctest::Approx(0.125));
  // 6 : 0 alone is below 0.05, twice is not; a smaller p is never corrected to more than a larger one.
  const auto pair = by_id({tested("original", "a", letters(0, 6)), tested("augmented", "a", letters(6, 0)),
                           tested("original", "b", letters(0, 6)), tested("augmented", "b", letters(6, 0))});
  for (const char* id : {"copies-a", "copies-b"}) {
    CHECK(pair.at(id).p == doctest::Approx(2 / 64.0));
    CHECK(pair.at(id).holm == doctest::Approx(4 / 64.0));
    CHECK(pair.at(id).standing == Standing::not_told_apart);
  }
}

TEST_CASE("the best of several must be better than each, and one that is ahead speaks against it") {
  const Tested ours = tested("original", "aeganb3", letters(18, 2));
  const Tested weak = tested("original", "vit_b16", letters(2, 18)),
               near = tested("original", "xception", letters(10, 10));
  const auto best = by_id({weak, near, ours}).at("best-original");
  CHECK(best.other.model == "xception");  // 8 : 0, the less certain of the two
  CHECK(best.p == doctest::Approx(2 / 256.0));
  CHECK(best.standing == Standing::supported);

  const Tested ahead = tested("original", "densenet169", letters(20, 0));
  const auto beaten = by_id({weak, near, ours, ahead}).at("best-original");
  CHECK(beaten.other.model == "densenet169");
  CHECK(beaten.points() == doctest::Approx(-10));
  CHECK(beaten.p == doctest::Approx(1));  // 0 : 2 has p 0.5, of the three rivals' one
  CHECK(beaten.standing == Standing::not_told_apart);

  const auto far = by_id({tested("original", "aeganb3", letters(0, 20)), weak, ahead}).at("best-original");
  CHECK(far.standing == Standing::contradicted);
}

TEST_CASE(
    "attention is set against either candidate for the model without it, which is no rival for the best") {
  const auto found =
      by_id({tested("gan", "aeganb3", letters(9, 0)), tested("gan", "aeganb3_noattention", letters(9, 0)),
             tested("gan", "efficientnetb3", letters(0, 9))});
  REQUIRE(found.size() == 2);
  CHECK(found.at("attention-gan-aeganb3_noattention").standing == Standing::not_told_apart);
  CHECK(found.at("attention-gan-efficientnetb3").standing == Standing::supported);
}

TEST_CASE("where the test images differ there is no test, and the reason") {
  const std::vector<Finding> found = findings_of(
      {tested("original", "xception", letters(3, 1)), tested("augmented", "xception", letters(9, 0))});
  REQUIRE(found.size() == 1);
  CHECK(found[0].standing == Standing::not_tested);
  CHECK(found[0].no_test == "the test images differ in number");
  CHECK(found[0].points() == doctest::Approx(25));
  CHECK(std::isnan(found[0].holm));
  CHECK(findings_table(found).rows.at(0).back() == "not tested");
  CHECK(findings_of({}).empty());
}

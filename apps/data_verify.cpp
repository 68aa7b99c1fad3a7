#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/command.h"
#include "data/verify_split.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string split, data;
};

Json json_of(const SplitCheck& check) {
  Json leaks = Json::array();
  for (const Leak& leak : check.leaks)
    leaks.push_back({{"kind", leak.kind.label},
                     {"name", leak.kind.name},
                     {"part", leak.part},
                     {"file", leak.file},
                     {"other_part", leak.other_part},
                     {"other", leak.other},
                     {"more", leak.more},
                     {"evidence", leak.evidence}});
  return {{"holds", check.holds()},
          {"train", check.train},
          {"validation", check.validation},
          {"test", check.test},
          {"pictures_compared", check.pictures_compared},
          {"changed", check.changed},
          {"left_out", check.left_out},
          {"unnamed", check.unnamed},
          {"leaks", leaks}};
}

void print(const SplitCheck& check, const std::string& file) {
  struct Count {
    std::set<std::string> images;
    Int pairs = 0;
  };
  std::map<std::string, Count> kinds;
  for (const Leak& leak : check.leaks) {
    Count& count = kinds[fmt::format("{} {}", leak.kind.label, leak.kind.name)];
    count.images.insert(leak.file);
    if (!leak.other.empty()) count.pairs += 1 + leak.more;
    fmt::print("{} {:<10} {}", leak.kind.label, leak.part, leak.file);
    if (!leak.other.empty()) fmt::print(" <- {} {}", leak.other_part, leak.other);
    if (leak.more > 0) fmt::print(" and {} more", leak.more);
    fmt::print(" ({})\n", leak.evidence);
  }
  for (const std::string& changed : check.changed) fmt::print("changed: {}\n", changed);
  for (const auto& [kind, count] : kinds)
    fmt::print("{}: {} held-out images{}\n", kind, count.images.size(),
               count.pairs > 0 ? fmt::format(", {} pairs", count.pairs) : "");
  if (check.left_out > 0)
    fmt::print("{} images of the folder are left out, as the split says\n", check.left_out);
  if (!check.unnamed.empty())
    fmt::print("{} images of the folder are unknown to the split, such as {}\n", check.unnamed.size(),
               check.unnamed.front());
  fmt::print("{}: {} to train, {} to validate, {} to test: {}; {}\n", file, check.train, check.validation,
             check.test,
             check.holds() ? "no held-out image has a twin or an ancestor in training" : "does not hold",
             check.pictures_compared ? "every file was hashed and compared with those of the other parts"
                                     : "the files were not looked at (--data DIR does that)");
}

int verify(const Flags& flags, const SharedFlags& shared) {
  prepare_device(shared);
  const SplitCheck check = verify_split(flags.split, flags.data);
  if (shared.json)
    print_json(json_of(check));
  else
    print(check, flags.split);
  return check.holds() ? 0 : 1;
}

}  // namespace

void add_data_verify(Program& program, const Command& data) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add_under(
      data, "verify",
      "Prove that no held-out image of a split has a twin or an ancestor in training, or name them (exit 1)",
      "  sonograd data verify split.json\n  sonograd data verify run/split.json --data busi --json",
      [flags, &program] { return verify(*flags, program.shared); });
  command.add_option("split", flags->split, "split.json").required();
  command.add_option(
      "--data", flags->data,
      "its data folder: hash every file, compare scans and generated pictures across the parts");
  hide_flags(command, {"--device", "--seed", "--keras", "--quiet"});
}

}  // namespace sonograd

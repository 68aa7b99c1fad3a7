#include <map>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/contact_sheet.h"
#include "base/file.h"
#include "data/duplicates.h"
#include "data/images.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string folder, html;
  std::vector<std::string> classes;
};

Json pairs_of(const std::vector<Twins>& twins, const Dataset& data) {
  Json list = Json::array();
  for (const Twins& t : twins) {
    const LabelledFile &a = data.samples[static_cast<std::size_t>(t.first)],
                       &b = data.samples[static_cast<std::size_t>(t.second)];
    list.push_back(
        {{"files", {a.file, b.file}},
         {"classes",
          {data.classes[static_cast<std::size_t>(a.label)], data.classes[static_cast<std::size_t>(b.label)]}},
         {"correlation", t.overlap.correlation},
         {"found", t.kind}});
  }
  return list;
}

// 1 pair, 2 pairs
std::string counted(std::size_t n, const std::string& what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

void print(const Dataset& data, const Duplicates& found, const Json& json) {
  const std::size_t n = found.conflicts.size();
  fmt::print(
      "{}: {} of equal pictures, {} found again (flipped, cropped, shifted, other gain), {} of these "
      "with different labels; {}; {}\n",
      counted(data.samples.size(), "image"), counted(found.exact.size(), "pair"),
      counted(found.near.size(), "pair"), n, counted(json["groups"].size(), "group"),
      counted(data.bad.size(), "unreadable file"));
  if (found.exact.size() + found.near.size() > 0)
    fmt::print("correlation: of the fine structure where the two pictures overlap; {} or more is a pair\n",
               near_correlation);
  for (const char* kind : {"exact_pairs", "near_pairs", "conflicts"})
    for (const Json& pair : json[kind])
      fmt::print("{:<12} {:.3f}  {}  {}  ({})\n", kind, pair["correlation"].get<double>(),
                 pair["files"][0].get<std::string>(), pair["files"][1].get<std::string>(),
                 pair["found"].get<std::string>());
  for (const UnreadableFile& bad : data.bad) fmt::print("unreadable   {}: {}\n", bad.file, bad.reason);
}

int audit(const Flags& flags, const SharedFlags& shared) {
  prepare_device(shared);
  Dataset data = list_folder(flags.folder, flags.classes);
  const Duplicates found = find_duplicates(data);
  std::map<Int, Json> groups;
  for (Int i = 0; i < data.size(); ++i)
    groups[found.groups[static_cast<std::size_t>(i)]].push_back(
        data.samples[static_cast<std::size_t>(i)].file);
  Json json{{"images", data.size()},
            {"near_correlation", near_correlation},
            {"exact_pairs", pairs_of(found.exact, data)},
            {"near_pairs", pairs_of(found.near, data)},
            {"conflicts", pairs_of(found.conflicts, data)},
            {"groups", Json::array()},
            {"unreadable", Json::array()}};
  for (const auto& [first, files] : groups)
    if (files.size() > 1) json["groups"].push_back(files);
  for (const UnreadableFile& bad : data.bad)
    json["unreadable"].push_back({{"file", bad.file}, {"reason", bad.reason}});
  if (!flags.html.empty()) write_file_atomically(flags.html, contact_sheet(data, found));
  if (shared.json)
    print_json(json);
  else
    print(data, found, json);
  return 0;
}

}  // namespace

void add_data_audit(Program& program, const Command& data) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add_under(
      data, "audit",
      "Equal pictures and such as were flipped, cropped, shifted; label conflicts; broken files. A near "
      "pair's "
      "fine structure correlates by 0.6 or more: copies reach 0.9, other pictures rarely 0.5 (docs/data.md)",
      "  sonograd data audit busi\n  sonograd data audit busi --json\n  sonograd data audit busi --html "
      "twins.html",
      [flags, &program] { return audit(*flags, program.shared); });
  command.add_option("folder", flags->folder, "folder with a sub-folder a class").required();
  command.add_option("--classes", flags->classes, "class names in the order of their codes")
      .delimiter(',')
      .check(class_name());
  command.add_option("--html", flags->html,
                     "contact sheet to write: the groups' pictures side by side, one file");
  hide_flags(command, {"--device", "--seed", "--keras", "--quiet"});
}

}  // namespace sonograd

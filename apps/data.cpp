#include <map>
#include <nlohmann/json.hpp>

#include "apps/training.h"
#include "data/duplicates.h"
#include "data/phantom.h"
#include "report/progress.h"
#include "tensor/file.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  SplitFlags split;
  std::string folder, out;
  std::vector<std::string> classes;
  Int count = 90, size = 256;
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
         {"correlation", t.correlation}});
  }
  return list;
}

int audit(const Flags& flags, const SharedFlags& shared) {
  prepare_device(shared);
  Dataset data = list_folder(flags.folder, flags.classes);
  const ImageSet images = read_images(data, 64, 64, OnBadFile::skip);
  const Duplicates found = find_duplicates(data, images);
  std::map<Int, Json> groups;
  for (Int i = 0; i < data.size(); ++i)
    groups[found.groups[static_cast<std::size_t>(i)]].push_back(
        data.samples[static_cast<std::size_t>(i)].file);
  Json json{{"images", data.size()},
            {"exact_pairs", pairs_of(found.exact, data)},
            {"near_pairs", pairs_of(found.near, data)},
            {"conflicts", pairs_of(found.conflicts, data)},
            {"groups", Json::array()},
            {"unreadable", Json::array()}};
  for (const auto& [first, files] : groups)
    if (files.size() > 1) json["groups"].push_back(files);
  for (const UnreadableFile& bad : data.bad)
    json["unreadable"].push_back({{"file", bad.file}, {"reason", bad.reason}});
  if (shared.json) {
    fmt::print("{}\n", json.dump(1));
    return 0;
  }
  fmt::print(
      "{} images: {} pairs of equal pictures, {} of nearly equal ones, {} of them with different labels, {} "
      "files that cannot be read\n",
      data.size(), found.exact.size(), found.near.size(), found.conflicts.size(), data.bad.size());
  for (const char* kind : {"exact_pairs", "near_pairs", "conflicts"})
    for (const Json& pair : json[kind])
      fmt::print("{:<12} {:.4f}  {}  {}\n", kind, pair["correlation"].get<double>(),
                 pair["files"][0].get<std::string>(), pair["files"][1].get<std::string>());
  for (const UnreadableFile& bad : data.bad) fmt::print("unreadable   {}: {}\n", bad.file, bad.reason);
  return 0;
}

int split(const Flags& flags, const SharedFlags& shared) {
  prepare_device(shared);
  const bool two = shared.keras == 2 || (shared.keras == 0 && flags.split.protocol == "paper");
  const ProtocolOptions options = protocol_options(flags.split, shared, two ? Keras::v2 : Keras::v3);
  const PreparedData data = prepare(list_folder(flags.folder, flags.classes), 32, options);
  const Split& parts = data.split;
  write_split(flags.out, data.folder, parts);
  const std::size_t excluded = parts.excluded.size() + data.folder.bad.size();
  if (shared.json)
    fmt::print("{}\n", Json{{"train", parts.train.size()},
                            {"validation", parts.validation.size()},
                            {"test", parts.test.size()},
                            {"excluded", excluded},
                            {"hash", split_hash(data.folder, parts)}}
                           .dump(1));
  else
    fmt::print("{}: {} to train, {} to validate, {} to test, {} excluded\n", flags.out, parts.train.size(),
               parts.validation.size(), parts.test.size(), excluded);
  return 0;
}

int phantom(const Flags& flags, const SharedFlags& shared) {
  draw_phantoms(flags.out, flags.count, flags.size, shared);
  if (shared.json)
    fmt::print(
        "{}\n",
        Json{{"out", flags.out}, {"count", flags.count}, {"size", flags.size}, {"seed", shared.seed}}.dump(
            1));
  else
    fmt::print("{}: {} synthetic images with masks\n", flags.out, flags.count);
  return 0;
}

}  // namespace

void draw_phantoms(const std::string& folder, Int count, Int size, const SharedFlags& shared) {
  Progress progress("phantoms", count, shared.quiet);
  write_phantoms(folder, count, shared.seed, size,
                 [&](Int done) { progress.update(done, done, "synthetic ultrasound"); });
  progress.finish();
}

void add_data(Program& program) {
  const auto flags = std::make_shared<Flags>();
  CLI::App& data =
      *program.app.add_subcommand("data", "Look at a folder of images, split it, or make synthetic ones");
  data.require_subcommand(1);

  auto& find =
      program.add_under(data, "audit", "Equal and nearly equal pictures, label conflicts, broken files",
                        "  sonograd data audit busi\n  sonograd data audit busi --json",
                        [flags, &program] { return audit(*flags, program.shared); });
  find.add_option("folder", flags->folder, "folder with a sub-folder a class")->required();
  find.add_option("--classes", flags->classes, "class names in the order of their codes")->delimiter(',');

  auto& part = program.add_under(data, "split", "Which images train, validate and test",
                                 "  sonograd data split busi --protocol paper --seed 42 --out split.json",
                                 [flags, &program] { return split(*flags, program.shared); });
  part.add_option("folder", flags->folder, "folder with a sub-folder a class")->required();
  add_split_flags(part, flags->split);
  part.add_option("--classes", flags->classes, "class names in the order of their codes")->delimiter(',');
  part.add_option("--out", flags->out, "split.json to write")->required();

  auto& make = program.add_under(data, "phantom",
                                 "Synthetic ultrasound with lesion masks, in folders and names like BUSI's",
                                 "  sonograd data phantom phantoms --count 300 --seed 7",
                                 [flags, &program] { return phantom(*flags, program.shared); });
  make.add_option("out", flags->out, "folder to make")->required();
  make.add_option("--count", flags->count, "images in all, spread evenly over the three classes")
      ->capture_default_str();
  make.add_option("--size", flags->size, "height and width")->capture_default_str();
}

}  // namespace sonograd

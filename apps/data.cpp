#include <nlohmann/json.hpp>

#include "apps/training.h"
#include "base/file.h"
#include "data/phantom.h"
#include "report/progress.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  SplitFlags split;
  std::string folder, out;
  std::vector<std::string> classes;
  Int count = 90, size = 256;
};

int split(const Flags& flags, const SharedFlags& shared) {
  prepare_device(shared);
  const bool two = shared.keras == 2 || (shared.keras == 0 && flags.split.protocol == "paper");
  const ProtocolOptions options = protocol_options(flags.split, shared, two ? Keras::v2 : Keras::v3);
  const PreparedData data = prepare(list_folder(flags.folder, flags.classes), 32, options);
  const Split& parts = data.split;
  write_split(flags.out, data.folder, parts);
  const std::size_t excluded = parts.excluded.size() + data.folder.bad.size();
  if (shared.json)
    print_json(Json{{"train", parts.train.size()},
                    {"validation", parts.validation.size()},
                    {"test", parts.test.size()},
                    {"excluded", excluded},
                    {"hash", split_hash(data.folder, parts)}});
  else
    fmt::print("{}: {} to train, {} to validate, {} to test, {} excluded\n", flags.out, parts.train.size(),
               parts.validation.size(), parts.test.size(), excluded);
  return 0;
}

int phantom(const Flags& flags, const SharedFlags& shared) {
  expect(
      !std::filesystem::is_directory(flags.out) || std::filesystem::is_empty(flags.out),
      "{} is not empty, and phantoms, which have BUSI's names, might write over its images; choose another "
      "folder",
      flags.out);
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
  const Command data =
      program.add_group("data", "Look at a folder of images, split it, or make synthetic ones");

  add_data_audit(program, data);
  add_data_verify(program, data);

  const Command part =
      program.add_under(data, "split", "Which images train, validate and test",
                        "  sonograd data split busi --protocol paper --seed 42 --out split.json",
                        [flags, &program] { return split(*flags, program.shared); });
  part.add_option("folder", flags->folder, "folder with a sub-folder a class").required();
  add_split_flags(part, flags->split);
  part.add_option("--classes", flags->classes, "class names in the order of their codes")
      .delimiter(',')
      .check(class_name());
  part.add_option("--out", flags->out, "split.json to write").required();
  hide_flags(part, {"--device", "--quiet"});

  const Command make = program.add_under(
      data, "phantom", "Synthetic ultrasound with lesion masks, in folders and names like BUSI's",
      "  sonograd data phantom phantoms --count 300 --seed 7",
      [flags, &program] { return phantom(*flags, program.shared); });
  make.add_option("out", flags->out, "folder to make").required();
  make.add_option("--count", flags->count, "images in all, spread evenly over the three classes")
      .capture_default_str();
  make.add_option("--size", flags->size, "height and width").capture_default_str();
  hide_flags(make, {"--device", "--keras"});
}

}  // namespace sonograd

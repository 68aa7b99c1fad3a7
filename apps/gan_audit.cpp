#include "gan/gan_audit.h"

#include <cstdio>
#include <filesystem>

#include "apps/gan.h"
#include "apps/model_flags.h"
#include "apps/split_flags.h"
#include "base/file.h"
#include "data/png.h"
#include "gan/generator_file.h"
#include "gan/train_gan.h"

namespace sonograd {
namespace {

struct Flags {
  std::string run, data, out, on_bad_file = "fail";
  Int count = 0;
  ModelFlags features;
};

void print(const Likeness& l, const char* which) {
  if (l.real == 0) return;
  fmt::print("  beside the {} {}: KID {:.5f} ± {:.5f}, precision {:.2f}, recall {:.2f}\n", l.real, which,
             l.kid.mean, l.kid.deviation, l.coverage.precision, l.coverage.recall);
}

// What the share of copies is to be compared with.
std::string reference(const GanAudit& found) {
  if (found.held_out.real == 0)
    return ", which says little without pictures that it never saw: blurred ones lie near to all";
  return fmt::format(", and {:.0f} % of the real ones that it never saw: {:+.0f} points in excess",
                     100 * found.copied_held_out, 100 * (found.memorisation.copied - found.copied_held_out));
}

int audit(const Flags& flags, const SharedFlags& shared) {
  const Device device = prepare_device(shared);
  const OpenedGan gan = open_gan(flags.run, device);
  const GanData data = read_gan_data(flags.data, gan.lineage.class_name, gan.trained.options.image_size, {},
                                     on_bad_file_named(flags.on_bad_file));
  const RealPictures real = part_by_lineage(data, gan.lineage, flags.data);
  std::optional<Model> model;
  if (!flags.features.weights.empty()) model = open_model(flags.features, shared, device);
  const Extractor extractor =
      model ? model_extractor(*model, std::filesystem::path(flags.features.weights).filename().string())
            : pixel_extractor();
  const Int count = flags.count > 0 ? flags.count : std::max<Int>(real.trained.size(), 16);
  const ImageSet generated = sample_images(gan.trained.network, shared.seed, 0, count);
  GanAudit found = audit_gan(real, generated, extractor, shared.seed);
  found.class_name = gan.lineage.class_name;

  const std::filesystem::path out =
      flags.out.empty() ? std::filesystem::path(flags.run) / "audit" : std::filesystem::path(flags.out);
  make_folder(out);
  write_png(out / "nearest.png", nearest_pairs(found.memorisation, real.trained, generated));
  write_file_atomically(out / "audit.json", gan_audit_json(found));
  if (shared.json) {
    fmt::print("{}", gan_audit_json(found));
    return 0;
  }
  fmt::print("{} generated pictures of class {}; features: {}\n", count, found.class_name, found.extractor);
  print(found.trained, "pictures that trained it");
  print(found.held_out, "that it never saw");
  const Memorisation& m = found.memorisation;
  fmt::print(
      "  nearest training picture, by pixels: median distance {:.3f}, between training pictures {:.3f}; "
      "{:.0f} % lie nearer to one than it lies to any other{}\n{}\n",
      m.median_generated, m.median_real, 100 * m.copied, reference(found), (out / "nearest.png").string());
  return 0;
}

}  // namespace

void add_gan_audit(Program& program, const Command& gan) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add_under(
      gan, "audit", "Are a GAN's pictures like the real ones, as various, and not copies of them?",
      "  sonograd gan audit --run gan-normal --data busi\n"
      "  sonograd gan audit --run gan-normal --data busi --features run/best.safetensors --count 500",
      [flags, &program] { return audit(*flags, program.shared); });
  command.add_option("--run", flags->run, "folder of a finished `gan train`").required();
  command.add_option("--data", flags->data, "the data folder that it was trained with").required();
  command.add_option("--count", flags->count, "generated pictures; default as many as trained it")
      .check(positive());
  add_bad_file_flag(command, flags->on_bad_file);
  command.add_option("--features", flags->features.weights,
                     "weights of a classifier, whose last layer's input is compared; default pixels");
  command.add_option("--model", flags->features.name, "of --features, where the file does not name it");
  hide_flags(command, {"--batch-norm", "--attention", "--keras", "--quiet"});
  command.add_option("--out", flags->out, "folder for audit.json and nearest.png; default RUN/audit");
}

}  // namespace sonograd

#include "apps/gan.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/evidence.h"
#include "apps/fallbacks.h"
#include "apps/out_folder.h"
#include "apps/split_flags.h"
#include "apps/stop.h"
#include "base/file.h"
#include "base/parallel.h"
#include "data/sha256.h"
#include "gan/train_gan.h"
#include "report/manifest.h"
#include "report/progress.h"

namespace sonograd {
namespace {

struct SampleFlags {
  std::string run, out;
  Int count = 0;
};

GanOptions options_of(const GanFlags& flags, const SharedFlags& shared, Device device) {
  GanOptions o = flags.gan;
  if (o.networks.image_size % 16 != 0)
    throw UsageError("--image-size {}: a DCGAN's image size is a multiple of 16, such as {} or {}",
                     o.networks.image_size, std::max<Int>(16, o.networks.image_size / 16 * 16),
                     (o.networks.image_size / 16 + 1) * 16);
  if (o.batch < 2) throw UsageError("--batch {}: a batch norm needs two pictures at least", o.batch);
  if (o.networks.width > 4) throw UsageError("--width {}: it is 4 at most", o.networks.width);
  o.norms = flags.tensorflow == 1 ? NormBehaviour::batch_statistics : NormBehaviour::moving_averages;
  o.keras = shared.keras == 3 ? Keras::v3 : Keras::v2;
  o.augment = augment_policy(flags.augment);
  o.seed = shared.seed;
  o.device = device;
  o.quiet = shared.quiet;
  o.stop = stop_signal;
  return o;
}

Manifest manifest_of(const GanFlags& flags, const GanOptions& o, const GanData& data,
                     const Program& program) {
  Manifest manifest;
  manifest.command = program.command_line;
  manifest.model = gan_model;
  manifest.protocol = flags.split.empty() ? "all images" : "training images of " + flags.split;
  manifest.data = flags.data;
  manifest.device = device_text(program.shared);
  manifest.seed = o.seed;
  Dataset pictures;
  pictures.samples = data.files;
  manifest.data_hash = data_hash(pictures);
  if (!flags.split.empty()) manifest.split_hash = sha256(read_file(flags.split));
  manifest.flags = {{"class", data.class_name},
                    {"image-size", std::to_string(o.networks.image_size)},
                    {"width", fmt::format("{:g}", o.networks.width)},
                    {"tensorflow", std::to_string(flags.tensorflow)},
                    {"keras", std::to_string(static_cast<int>(o.keras))},
                    {"batch", std::to_string(o.batch)},
                    {"steps", std::to_string(o.steps)},
                    {"lr", fmt::format("{:g}", o.learning_rate)},
                    {"spectral-norm", o.networks.spectral_norm ? "on" : "off"},
                    {"ema", fmt::format("{:g}", o.average)},
                    {"augment-policy", text_of(o.augment)},
                    {"display-steps", std::to_string(o.display_steps)},
                    {"checkpoint-steps", std::to_string(o.checkpoint_steps)},
                    {"on-bad-file", flags.on_bad_file}};
  manifest.classes = {{data.class_name, data.images.size()}};
  manifest.threads = threads();
  manifest.started = utc_now();
  describe_build(manifest);
  return manifest;
}

void print(const GanSummary& s, const RunFolder& run, bool json) {
  if (json) {
    fmt::print("{}", gan_summary_json(s));
    return;
  }
  fmt::print(
      "{} steps in {} · over the last {} the discriminator told {:.0f} % of real and {:.0f} % of generated "
      "pictures right\nsimilarity of generated pictures {:.2f}, of real ones {:.2f}{}\nsamples: {}\n",
      s.last.step, duration(s.last.seconds), std::min<Int>(s.last.step, recent_steps),
      100 * s.last.real_accuracy, 100 * s.last.fake_accuracy, s.last.similarity, s.real_similarity,
      s.collapsed() ? fmt::format("; above {:.2f}: the generator may have collapsed", s.bound) : "",
      (run.path() / "samples").string());
}

int train(const GanFlags& flags, const Program& program) {
  warn_of_new_run(flags.gan.resume, RunFolder::at(flags.out));
  print(train_class_gan(flags, program), RunFolder::at(flags.out), program.shared.json);
  return 0;
}

int sample(const SampleFlags& flags, const SharedFlags& shared) {
  const Lineage lineage = write_generated(flags.run, flags.out, flags.count, shared);
  if (shared.json)
    print_json(nlohmann::ordered_json{{"out", flags.out},
                                      {"class", lineage.class_name},
                                      {"count", flags.count},
                                      {"seed", shared.seed},
                                      {"ancestors", lineage.ancestors.size()}});
  else
    fmt::print("{}: {} generated pictures of class {}, from {} real ones\n", flags.out, flags.count,
               lineage.class_name, lineage.ancestors.size());
  return 0;
}

void add_gan_train(Program& program, const Command& gan) {
  const auto flags = std::make_shared<GanFlags>();
  const Command command = program.add_under(
      gan, "train", "Train a DCGAN on one class of a data folder, as the paper's notebook does",
      "  sonograd gan train --data busi --class normal --out gan-normal\n"
      "  sonograd gan train --data busi --class normal --out gan-normal --resume\n"
      "  sonograd gan train --data busi --class benign --out gan-benign --image-size 64 --split split.json "
      "--ema 0.995 --augment-policy color,translation,cutout",
      [flags, &program] { return train(*flags, program); });
  GanOptions& o = flags->gan;
  command.add_option("--data", flags->data, "folder with a sub-folder a class").required();
  command.add_option("--class", flags->class_name, "the class to learn").required();
  command.add_option("--out", flags->out, "folder for what the run leaves behind").required();
  command.add_option("--split", flags->split, "split.json: only its training images are seen");
  command.add_option("--image-size", o.networks.image_size, "height and width, a multiple of 16")
      .check(positive())
      .capture_default_str();
  command
      .add_option("--tensorflow", flags->tensorflow,
                  "what the discriminator's batch norms do: 1 as TensorFlow 1.14 and 1.15 (batch statistics "
                  "throughout; 1.11 to 1.13 too, whose loss clips), 2 as TensorFlow 2 to Keras 2.15 (moving "
                  "averages while the generator learns)")
      .check(one_of({1, 2}))
      .capture_default_str();
  command.add_option("--steps", o.steps, "adversarial steps, each two updates of either network")
      .check(positive())
      .capture_default_str();
  command.add_option("--batch", o.batch, "real pictures a step, drawn with replacement")
      .check(positive())
      .capture_default_str();
  command.add_option("--lr", o.learning_rate, "learning rate of both Adams")
      .check(positive())
      .capture_default_str();
  command.add_option("--width", o.networks.width, "times the notebook's channels; less for quick tries")
      .check(positive())
      .capture_default_str();
  command.add_option("--display-steps", o.display_steps, "a sheet of samples every so many steps")
      .check(positive())
      .capture_default_str();
  command.add_option("--checkpoint-steps", o.checkpoint_steps, "save the run's state every so many steps")
      .check(positive())
      .capture_default_str();
  command.add_flag("--spectral-norm", o.networks.spectral_norm,
                   "not the notebook's: spectral norms in place of the discriminator's batch norms");
  command
      .add_option("--ema", o.average,
                  "not the notebook's: sample a moving average of the generator, decay such as 0.995")
      .check(share());
  command
      .add_option("--augment-policy", flags->augment,
                  "not the notebook's: differentiable augmentation: color, translation, cutout")
      .delimiter(',')
      .check(one_of({"none", "color", "translation", "cutout"}));
  add_bad_file_flag(command, flags->on_bad_file);
  command.add_flag("--resume", o.resume, "go on from the checkpoint in --out");
  hide_flags(command, {"--attention"});
}

void add_gan_sample(Program& program, const Command& gan) {
  const auto flags = std::make_shared<SampleFlags>();
  const Command command =
      program.add_under(gan, "sample", "Pictures of a trained GAN, with their lineage",
                        "  sonograd gan sample --run gan-normal --count 1200 --out gan/normal\n"
                        "  sonograd gan sample --run gan-normal --count 16 --out few --seed 7",
                        [flags, &program] { return sample(*flags, program.shared); });
  command.add_option("--run", flags->run, "folder of a finished `gan train`").required();
  command.add_option("--count", flags->count, "pictures").required().check(positive());
  command.add_option("--out", flags->out, "folder for gen_0.png … and lineage.json").required();
  hide_flags(command, {"--batch-norm", "--attention", "--keras"});
}

}  // namespace

GanSummary train_class_gan(const GanFlags& flags, const Program& program) {
  const SharedFlags& shared = program.shared;
  const Device device = prepare_device(shared);
  const GanOptions options = options_of(flags, shared, device);
  expect_outside(flags.out, flags.data);
  const RunFolder run = RunFolder::check(flags.out, options.resume);
  if (run.started()) expect_gan_run(run);
  const GanData data = read_gan_data(flags.data, flags.class_name, options.networks.image_size, flags.split,
                                     on_bad_file_named(flags.on_bad_file));
  if (!shared.quiet)
    std::fprintf(stderr, "dcgan · %lld pictures of class %s · %d threads\n",
                 static_cast<long long>(data.images.size()), data.class_name.c_str(), threads());
  Manifest manifest = manifest_of(flags, options, data, program);
  const auto write = [&] { write_file_atomically(run.manifest(), manifest_json(manifest)); };
  const auto begin = [&] {
    go_on_with(manifest, run);
    write();
  };
  const StopBetweenSteps loops_look;
  return train_gan(data, options, run, {.begin = begin, .finish = [&] {
                                          manifest.device += fallback_text();
                                          manifest.finished = utc_now();
                                          write();
                                        }});
}

Lineage write_generated(const std::string& run, const std::string& out, Int count,
                        const SharedFlags& shared) {
  auto [trained, lineage] = open_gan(run, prepare_device(shared));
  check_samples_folder(out);
  lineage.run = run;
  lineage.generator_sha256 = sha256(read_file(generator_of(RunFolder::at(run))));
  lineage.seed = shared.seed;
  const std::string& class_name = lineage.class_name;
  Progress progress("samples", count, shared.quiet);
  const ImageSet pictures = sample_images(trained.network, shared.seed, 0, count,
                                          [&](Int done) { progress.update(done, done, class_name); });
  progress.finish();
  write_samples(out, pictures, lineage);
  return lineage;
}

OpenedGan open_gan(const std::string& folder, Device device) {
  const RunFolder run = RunFolder::open(folder);
  expect_gan_run(run);
  expect(run.finished(), "{} holds a GAN that is not trained to its end; resume it first", folder);
  return {load_generator(generator_of(run), device), read_lineage(lineage_of(run))};
}

void add_gan(Program& program) {
  const Command gan =
      program.add_group("gan", "Train the paper's DCGAN, draw pictures from it and look at them closely");
  add_gan_train(program, gan);
  add_gan_sample(program, gan);
  add_gan_audit(program, gan);
}

}  // namespace sonograd

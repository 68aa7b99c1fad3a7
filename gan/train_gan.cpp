#include "gan/train_gan.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/png.h"
#include "data/sha256.h"
#include "gan/gan_checkpoint.h"
#include "gan/generator_file.h"
#include "gan/moving_average.h"
#include "gan/pictures.h"
#include "gan/sample.h"
#include "ops/binary/binary.h"
#include "report/progress.h"
#include "report/step_curves.h"
#include "train/checkpoint.h"

namespace sonograd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Int sheet_pictures = 16, sheet_columns = 4;
constexpr Int strip_pictures = 10;

std::string settings_of(const GanData& data, const GanOptions& o) {
  std::string pictures;
  for (const LabelledFile& file : data.files) pictures += file.sha256 + "\n";
  return fmt::format(
      "class {}; {} pictures, {}; image size {}; width {}; spectral norm {}; tensorflow {}; keras {}; seed "
      "{}; batch {}; steps {}; learning rate {:.9g}; augment {}; average {:.9g}",
      data.class_name, data.files.size(), sha256(pictures).substr(0, 16), o.networks.image_size,
      o.networks.width, o.networks.spectral_norm ? "on" : "off", static_cast<int>(o.norms) + 1,
      static_cast<int>(o.keras), o.seed, o.batch, o.steps, o.learning_rate, text_of(o.augment), o.average);
}

class GanTraining {
 public:
  GanTraining(const GanData& data, const GanOptions& options, const RunFolder& run)
      : data(data),
        options(options),
        run(run),
        settings(settings_of(data, options)),
        random(options.seed),
        gan(options.networks),
        average(generator(options.networks)) {}

  GanSummary operator()(const GanEvents& events) {
    if (run.finished()) return finished_before();
    prepare();
    run.make();
    if (events.begin) events.begin();
    make_folder(run.path() / "samples");
    write_file_atomically(lineage_of(run),
                          lineage_json({.class_name = data.class_name, .ancestors = data.files}));
    Progress progress(fmt::format("gan {}", data.class_name), options.steps,
                      {.quiet = options.quiet, .done_before = done()});
    while (done() < options.steps) {
      step();
      tell(progress);
      const bool last = done() == options.steps;
      if (last || done() % options.display_steps == 0) display(progress);
      const bool stop = !last && options.stop && options.stop();
      if (last || stop || done() % options.checkpoint_steps == 0) save();
      if (stop) throw Stopped(done());
    }
    progress.finish();
    return finish(events);
  }

 private:
  Int done() const { return static_cast<Int>(history.size()); }
  const Network& sampled() const { return options.average > 0 ? average : gan.generator; }
  const Network* averaged() const { return options.average > 0 ? &average : nullptr; }

  GanSummary finished_before() const {
    const TrainedGenerator trained = load_generator(generator_of(run));
    const auto theirs = trained.facts.find("settings");
    expect_same_settings(generator_of(run), settings, theirs == trained.facts.end() ? "" : theirs->second);
    return read_gan_summary(run.metrics());
  }

  void prepare() {
    gan.initialise(random.stream("init"), DType::f32, options.device);
    average.initialise(random.stream("init"), DType::f32, options.device);
    labels = smoothed_labels(options.batch, random.stream("labels"), DType::f32, options.device);
    summary.real_similarity = mean_similarity(thumbnails(data.images, all_of(data.images.size())));
    summary.bound = (1 + summary.real_similarity) / 2;
    if (!options.resume || !std::filesystem::exists(run.checkpoint())) return;
    const Int over = load_gan_checkpoint(run.checkpoint(), gan, averaged(), settings);
    history = read_gan_history(run.history());
    expect(done() >= over, "{} holds {} steps, but the checkpoint {}; restore it or start afresh",
           run.history().string(), done(), over);
    history.resize(static_cast<std::size_t>(over));
  }

  // 16 draws with replacement, pixels 0 … 1.
  Tensor real_pictures(std::uint64_t step) const {
    const Random draw = random.stream("index").at(step);
    std::vector<Int> indices;
    for (Int i = 0; i < options.batch; ++i)
      indices.push_back(draw.below(data.images.size(), static_cast<std::uint64_t>(i)));
    const Tensor bytes = batch_of(data.images, indices).to(options.device);
    return divide(bytes, scalar_like(bytes, 255));
  }

  void step() {
    const auto start = Clock::now();
    const auto number = static_cast<std::uint64_t>(done());
    std::array<Tensor, 3> noise;
    for (std::size_t k = 0; k < noise.size(); ++k)
      noise[k] = latent_noise(options.batch, random.stream(fmt::format("noise {}", k)).at(number), DType::f32,
                              options.device);
    const AdversarialOptions how{.norms = options.norms,
                                 .learning_rate = options.learning_rate,
                                 .augment = options.augment,
                                 .keras = options.keras,
                                 .random = random.stream("step").at(number)};
    AdversarialResult result;
    try {
      result = adversarial_step(gan, real_pictures(number), noise, labels, how);
    } catch (Error& error) {
      error.prepend(fmt::format("step {}: ", done() + 1));
      throw;
    }
    if (options.average > 0) move_average(average, gan.generator, options.average, done());
    const ImageSet fake = to_bytes(result.fake);
    history.push_back(as_written({.step = done() + 1,
                                  .real_loss = result.real_loss,
                                  .fake_loss = result.fake_loss,
                                  .generator_loss = result.generator_loss(),
                                  .real_accuracy = result.real_accuracy,
                                  .fake_accuracy = result.fake_accuracy,
                                  .discriminator_norm = result.discriminator_norm,
                                  .generator_norm = result.generator_norm,
                                  .similarity = mean_similarity(thumbnails(fake, all_of(fake.size()))),
                                  .seconds = std::chrono::duration<double>(Clock::now() - start).count()}));
  }

  void tell(Progress& progress) const {
    const GanStep& now = history.back();
    progress.update(done(), 0,
                    fmt::format("D {:.3f} · G {:.3f} · told right {:.0f} % of real, {:.0f} % of generated",
                                (now.real_loss + now.fake_loss) / 2, now.generator_loss,
                                100 * now.real_accuracy, 100 * now.fake_accuracy));
  }

  void display(Progress& progress) {
    write_png(run.path() / "samples" / fmt::format("step_{:06}.png", done()),
              contact_sheet(sample_images(sampled(), options.seed, 0, sheet_pictures), sheet_columns));
    summary.last = recent(history);
    if (summary.collapsed() && !options.quiet)
      progress.finish(
          fmt::format("sonograd: warning: step {}: generated pictures look alike (similarity {:.2f}, the "
                      "real ones' {:.2f}, "
                      "warned of above {:.2f}): the generator may have collapsed",
                      done(), summary.last.similarity, summary.real_similarity, summary.bound));
  }

  void save() {
    write_gan_history(run.history(), history);  // first: the checkpoint needs its rows
    save_gan_checkpoint(run.checkpoint(), gan, averaged(), done(), settings);
  }

  void draw_curves() const {
    const auto of = [&](double GanStep::*value) {
      std::vector<double> values;
      for (const GanStep& step : history) values.push_back(step.*value);
      return values;
    };
    make_folder(run.path() / "figures");
    const auto draw = [&](const char* name, const char* title, const std::vector<StepCurve>& curves,
                          double high) {
      write_file_atomically(run.figure(name), step_curves(title, curves, high).file());
    };
    draw("loss", "losses of discriminator and generator",
         {{"discriminator, real", of(&GanStep::real_loss)},
          {"generated", of(&GanStep::fake_loss)},
          {"generator", of(&GanStep::generator_loss)}},
         0);
    draw("accuracy", "share of pictures that the discriminator told right",
         {{"real", of(&GanStep::real_accuracy)}, {"generated", of(&GanStep::fake_accuracy)}}, 1);
    draw("similarity", "similarity of the generated pictures and of the real ones",
         {{"generated", of(&GanStep::similarity)},
          {"real", std::vector<double>(history.size(), summary.real_similarity)}},
         1);
  }

  GanSummary finish(const GanEvents& events) {
    summary.last = recent(history);
    write_png(run.path() / "interpolation.png",
              contact_sheet(interpolation(sampled(), random.stream("interpolation"), strip_pictures),
                            strip_pictures));
    draw_curves();
    const Facts facts{{"class", data.class_name}, {"settings", settings}};
    save_network(generator_of(run), sampled(), options.networks, facts);
    save_network(run.path() / "discriminator.safetensors", gan.discriminator, options.networks, facts);
    if (events.finish) events.finish();
    write_file_atomically(run.metrics(), gan_summary_json(summary));
    std::filesystem::remove(run.checkpoint());
    return summary;
  }

  const GanData& data;
  const GanOptions& options;
  const RunFolder& run;
  const std::string settings;
  const Random random;
  Gan gan;
  Network average;
  SmoothedLabels labels;
  GanHistory history;
  GanSummary summary;
};

}  // namespace

GanSummary train_gan(const GanData& data, const GanOptions& options, const RunFolder& run,
                     const GanEvents& events) {
  expect(
      data.images.height == options.networks.image_size && data.images.width == options.networks.image_size,
      "the pictures are {} x {}, but the GAN's are of {}", data.images.height, data.images.width,
      options.networks.image_size);
  expect(data.images.size() >= 2 && data.images.size() == static_cast<Int>(data.files.size()),
         "a GAN learns from two pictures at least, each with its file; got {} pictures of {} files",
         data.images.size(), data.files.size());
  return GanTraining(data, options, run)(events);
}

std::filesystem::path generator_of(const RunFolder& run) {
  return run.path() / "generator.safetensors";
}
std::filesystem::path lineage_of(const RunFolder& run) {
  return run.path() / "lineage.json";
}

}  // namespace sonograd

#pragma once
#include <functional>
#include <string>

#include "gan/adversarial_step.h"
#include "gan/gan_data.h"
#include "gan/gan_history.h"
#include "report/run_folder.h"

namespace sonograd {

// The defaults are the notebook's.
struct GanOptions {
  DcganOptions networks = {};
  NormBehaviour norms = NormBehaviour::batch_statistics;
  Keras keras = Keras::v2;
  std::uint64_t seed = 42;
  Int batch = 16;
  Int steps = 6000;
  Int display_steps = 1000;    // a sheet of samples every so many
  Int checkpoint_steps = 100;  // the state to go on from, every so many
  double learning_rate = 2e-4;
  AugmentPolicy augment = {};
  double average = 0;  // decay of the generator's moving average, which then makes the samples; 0: none
  Device device = Device::cpu;
  bool resume = false;
  bool quiet = false;
  std::function<bool()> stop = {};  // asked after each step: true saves the state and throws Stopped
};

// How a finished run stands: RUN/metrics.json.
struct GanSummary {
  GanStep last;                // means over the last 100 steps
  double real_similarity = 0;  // of the class's pictures, mean_similarity
  double bound = 0;            // half way from it to 1: above, a warning says that the generator collapses
  bool collapsed() const { return last.similarity > bound; }
};
std::string gan_summary_json(const GanSummary& summary);
GanSummary read_gan_summary(const std::filesystem::path& path);  // throws Error

struct GanEvents {
  std::function<void()> begin = {};   // training is about to start, or the checkpoint proved to be this run's
  std::function<void()> finish = {};  // all is written but metrics.json, which marks the run as finished
};

// Trains a GAN as the notebook does and leaves in the run's folder history.csv, samples/step_<n>.png (16
// pictures of the same noises), interpolation.png, figures/{loss,accuracy,similarity}.svg over the steps,
// generator.safetensors (the moving average where there is one), discriminator.safetensors, lineage.json and
// metrics.json. Every draw is a function of the seed and
// the step: with `resume` a run goes on from its last checkpoint.safetensors and ends bit for bit as one that
// was never interrupted, or throws Error and leaves the folder as it was where the checkpoint is damaged or
// another run's; of a finished run the summary is read. Throws Error where a loss is not a finite number; the
// last checkpoint is then intact.
GanSummary train_gan(const GanData& data, const GanOptions& options, const RunFolder& run,
                     const GanEvents& events = {});

// Of a run's folder.
std::filesystem::path generator_of(const RunFolder& run);
std::filesystem::path lineage_of(const RunFolder& run);

}  // namespace sonograd

#pragma once
#include <set>

#include "apps/training.h"
#include "data/image.h"
#include "report/html.h"
#include "report/run_folder.h"

namespace sonograd {

// What a training run leaves behind, written as it goes: manifest and split first, metrics after each phase,
// the report last.
class Evidence {
 public:
  Evidence(const TrainingFlags& flags, const Program& program, const std::vector<PhasePlan>& plan,
           const PreparedData& data, const RunFolder& run);

  void begin(const Model& model);
  void base_cached(bool drawn);  // see FitEvents
  void loss_scaled(const PhasePlan& phase, const LossScale& scale);
  void phase_done(const Model& model, const PhasePlan& phase);
  void finish(const Model& model, const History& history);

 private:
  // A fact that the training tells, into the manifest, unless it is there already.
  void say_of_phase(const std::string& phase, const std::string& fact, const std::string& value);
  std::vector<ExplainedImage> gallery(const Model& model, const std::vector<Prediction>& predictions) const;
  std::vector<SampleImage> samples() const;
  std::vector<Baseline> baselines() const;

  const TrainingFlags& flags;
  const Program& program;
  const PreparedData& data;
  const RunFolder& run;
  Manifest manifest;
};

// Runs of `gan train` have this model in their manifests.
constexpr auto gan_model = "dcgan";
// Throw Error, which says what the run is, where it is of the other kind.
void expect_classifier_run(const RunFolder& run);
void expect_gan_run(const RunFolder& run);

// Throws Error where a run has been trained with other flags, naming the first.
void expect_same_flags(const RunFolder& run, const TrainingFlags& flags, const std::vector<PhasePlan>& plan,
                       std::uint64_t seed);

// The name of a picture file without folder and suffix, with -2, -3, … where another had it before.
std::string unused_stem(const std::string& file, std::set<std::string>& used);

// Where a run goes on from its checkpoint: its first session's manifest, which notes this one. Says on stderr
// where the two compute with other threads or instructions.
void go_on_with(Manifest& manifest, const RunFolder& run);

// The parts of a manifest that no run decides: versions, machine, instruction set.
void describe_build(Manifest& manifest);

// The model's answers to some images of a data folder, as predictions.csv and metrics.json keep them.
std::vector<Prediction> predictions_of(const Model& model, const Dataset& folder, const ImageSet& images,
                                       const std::vector<Int>& indices, Int batch, double* loss = nullptr);
Metrics metrics_of(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions,
                   double loss);

}  // namespace sonograd

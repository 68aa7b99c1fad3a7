#include "apps/experiment/rows.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "apps/experiment/folder.h"
#include "apps/training.h"
#include "data/arms.h"
#include "models/zoo.h"
#include "report/progress.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> compared{"densenet169", "xception", "vit_b16", "vit_b32", "aeganb3"};
const std::vector<std::string> ablation{"aeganb3", "aeganb3_noattention"};
const std::string other_candidate =
    "efficientnetb3";  // for the model without attention, where it is asked for
const std::vector<std::string> arms{"original", "augmented", "gan"};

// Each of the paper's models and the smallest member of its family.
const std::map<std::string, std::string> stand_ins{{"densenet169", "densenet121"},
                                                   {"xception", "xception"},
                                                   {"vit_b16", "vit_s16"},
                                                   {"vit_b32", "vit_b32"},
                                                   {"aeganb3", "aeganb0"},
                                                   {"aeganb3_noattention", "efficientnetb0"},
                                                   {other_candidate, "efficientnetb0"}};

// Seconds of a training step of 16 images of 224 x 224, docs/performance.md, and what bfloat16 makes of them;
// the stand-ins' are their models' by the multiplications.
struct Cost {
  double seconds, bf16;
};
const std::map<std::string, Cost> costs{
    {"densenet169", {2.0, 0.79}},    {"xception", {2.5, 0.62}},      {"vit_b16", {8.2, 0.6}},
    {"vit_b32", {2.1, 0.6}},         {"aeganb3", {1.7, 0.94}},       {"aeganb3_noattention", {0.9, 0.94}},
    {"efficientnetb3", {0.9, 0.94}}, {"densenet121", {1.7, 0.79}},   {"vit_s16", {2.2, 0.6}},
    {"aeganb0", {0.8, 0.94}},        {"efficientnetb0", {0.3, 0.94}}};
constexpr double gan_step_seconds = 4;  // of 224 x 224
constexpr double row_seconds = 4;       // what is not training: reading, testing, writing

// The file of the folder that is named after the model, or as its publisher names the base's.
std::string weights_for(const std::string& folder, const std::string& model) {
  if (folder.empty()) return "";
  for (const char* suffix : {".safetensors", ".weights.h5", ".h5", ".keras", ".npz"})
    if (const fs::path file = fs::path(folder) / (model + suffix); fs::exists(file)) return file.string();
  for (const OfficialFile& official : zoo_entry(model).files)
    if (const fs::path file = fs::path(folder) / official.name; !official.top && fs::exists(file))
      return file.string();
  throw Error("{} holds no weights of {}; put {}.safetensors (.h5, .keras, .npz) there", folder, model,
              model);
}

bool trains(const ExperimentFlags& flags, const std::string& model) {
  return flags.models.empty() ||
         std::find(flags.models.begin(), flags.models.end(), model) != flags.models.end();
}

Int epochs_of(const Row& row, const Profile& profile) {
  return row.arm == "original" ? profile.epochs : profile.enlarged_epochs;
}

}  // namespace

Profile profile_of(const ExperimentFlags& flags, Int largest_class) {
  std::map<std::string, Profile> profiles{
      {"smoke", {"smoke", 96, 1, 1, 25, 8, 32, 4, 0.25, 0.9, 2 * largest_class, 2, true}},
      {"quick", {"quick", 96, 8, 3, 25, 16, 64, 1500, 1, 0.9, published_target, 40, false}},
      {"paper", {"paper", 224, 100, 100, 25, 16, 224, 6000, 1, {}, published_target, 40, false}}};
  const auto found = profiles.find(flags.profile);
  if (found == profiles.end()) throw UsageError("--profile {}: it is smoke, quick or paper", flags.profile);
  Profile profile = found->second;
  if (flags.image_size > 0) profile.image_size = flags.image_size;
  if (flags.epochs > 0) profile.epochs = profile.enlarged_epochs = flags.epochs;
  if (flags.gan_steps > 0) profile.gan_steps = flags.gan_steps;
  return profile;
}

std::vector<Row> rows_of(const std::string& table, const ExperimentFlags& flags, const Profile& profile) {
  for (const std::string& model : flags.models)
    if (stand_ins.count(model) == 0)
      throw UsageError("--models {}: the paper's are {}, aeganb3_noattention and {}", model,
                       fmt::join(compared, ", "), other_candidate);
  std::vector<Row> rows;
  const auto add = [&](const std::string& model, const std::string& arm) {
    const bool there = std::any_of(rows.begin(), rows.end(),
                                   [&](const Row& row) { return row.model == model && row.arm == arm; });
    if (there || !trains(flags, model)) return;
    const std::string trained = profile.small_models ? stand_ins.at(model) : model;
    rows.push_back({model, arm, trained, weights_for(flags.weights_folder, trained)});
  };
  for (std::size_t i = 0; i < arms.size(); ++i)
    if (table == "all" || table == fmt::format("table{}", i + 1))
      for (const std::string& model : compared) add(model, arms[i]);
  if (table == "all" || table == "table4")
    for (const std::string& arm : arms)
      for (const std::string& model : ablation) add(model, arm);
  if ((table == "all" || table == "table4") && !flags.models.empty())
    for (const std::string& arm : arms) add(other_candidate, arm);
  for (const std::string& model : flags.models)
    if (std::none_of(rows.begin(), rows.end(), [&](const Row& row) { return row.model == model; }))
      throw UsageError("--models {}: {} has no row of it", model, table);
  return rows;
}

std::string folder_of(const ExperimentFlags& flags, const Row& row) {
  return (fs::path(flags.out) / "rows" / row.arm / row.model).string();
}

double estimated_seconds(const std::vector<Row>& rows, const ExperimentFlags& flags, const Profile& profile,
                         const Dataset& data) {
  const std::vector<Int> counts = data.class_counts();
  const auto area = [](Int size) { return static_cast<double>(size * size) / (224.0 * 224.0); };
  double seconds = 0;
  bool gans = false;
  for (const Row& row : rows) {
    if (fs::exists(RunFolder::at(folder_of(flags, row)).metrics())) continue;
    Int images = 0;
    for (const Int count : counts) {
      images += count;
      if (row.arm == "augmented") images += count * copies_of_each(count, profile.target);
      if (row.arm == "gan") images += generated_images(count, profile.target, profile.step);
    }
    gans = gans || row.arm == "gan";
    seconds += row_seconds;
    const double phases = row.weights.empty() ? 1 : 2;
    const Cost& cost = costs.at(row.trained);
    // nine tenths of the images: a training step of 16, or a tenth of it for validation
    seconds += phases * static_cast<double>(epochs_of(row, profile) * images) * 0.82 / 16 * cost.seconds *
               (flags.dtype == "bf16" ? cost.bf16 : 1) * area(profile.image_size);
  }
  for (std::size_t c = 0; gans && c < counts.size(); ++c)
    if (!fs::exists(fs::path(flags.out) / "gan" / data.classes[c] / "metrics.json"))
      seconds += static_cast<double>(profile.gan_steps) * gan_step_seconds * area(profile.gan_image_size) *
                 profile.gan_width * profile.gan_width;
  return seconds;
}

void train_row(const Row& row, const ExperimentFlags& flags, const Profile& profile, KnownGroups& known,
               Program& program) {
  TrainingFlags t;
  t.model.name = row.trained;
  t.model.weights = row.weights;
  t.model.image_size = profile.image_size;
  t.data = flags.data;
  t.out = folder_of(flags, row);
  t.epochs = epochs_of(row, profile);
  t.dtype = flags.dtype;
  t.model.pooling = flags.pooling;
  t.transfer = flags.transfer;
  t.split.order = flags.order;
  t.split.on_bad_file = flags.on_bad_file;
  t.batch = profile.batch;
  t.patience = profile.patience;
  if (row.weights.empty()) t.norm_momentum = profile.norm_momentum;
  t.split.protocol = flags.protocol;
  t.split.arm = row.arm;
  t.split.target = profile.target;
  t.split.step = profile.step;
  if (row.arm == "gan") t.split.generated = (fs::path(flags.out) / "generated").string();
  t.explain = row.model == "aeganb3";  // figure 8
  finished_run(t, known, program);
}

}  // namespace sonograd

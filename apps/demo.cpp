#include <filesystem>

#include "apps/training.h"
#include "data/phantom.h"

namespace sonograd {
namespace {

struct Flags {
  TrainingFlags training;
  Int phantoms = 1200;
};

// demo-run, or the first of demo-run-2, demo-run-3 … that is free: a second demo does not write over the
// first.
std::string free_folder() {
  std::string name = "demo-run";
  for (int n = 2; std::filesystem::exists(name); ++n) name = fmt::format("demo-run-{}", n);
  return name;
}

// From random weights in minutes: a smaller base under the paper's head, and what makes few steps count. With
// weights the paper's own model and phases.
void choose_defaults(TrainingFlags& t) {
  if (!t.model.weights.empty()) {
    if (t.model.name.empty()) t.model.name = "aeganb3";
    return;
  }
  if (t.model.name.empty()) {
    t.model.name = "aeganb0";
    t.notes.emplace_back(
        "The base is EfficientNetB0, not the paper's B3, so that training ends in minutes (--model aeganb3 "
        "takes B3).");
  }
  t.notes.emplace_back("Training began from random weights: the paper's models began from ImageNet's.");
  if (t.norm_momentum == 0) t.norm_momentum = 0.9;
  if (t.clip_norm == 0) t.clip_norm = 1;
  t.schedule = "cosine";
}

int run(Flags flags, Program& program) {
  TrainingFlags& t = flags.training;
  if (t.out.empty()) t.out = free_folder();
  choose_defaults(t);
  phase_plan(t);  // bad usage shows before anything is made
  const RunFolder folder = RunFolder::create(t.out, t.resume);
  if (t.data.empty()) {
    t.data = (folder.path() / "phantoms").string();
    write_phantoms(t.data, flags.phantoms, program.shared.seed, 2 * t.model.image_size);
    t.lead = "Trained on synthetic ultrasound that the program drew itself: no download, no patient.";
  }
  return run_training(t, folder, program);
}

}  // namespace

void add_demo(Program& program) {
  const auto flags = std::make_shared<Flags>();
  TrainingFlags& t = flags->training;
  t.model.image_size = 64;
  t.epochs = 13;
  auto& command =
      program.add("demo", "The main job in miniature: data, training, test, Grad-CAM and a report",
                  "  sonograd demo\n  sonograd demo --data busi --out busi-run\n  sonograd demo --weights "
                  "base.weights.h5 --data busi",
                  [flags, &program] { return run(*flags, program); });
  command.add_option("--data", t.data,
                     "folder with a sub-folder a class; left out: synthetic images are made");
  command.add_option("--phantoms", flags->phantoms, "synthetic images to make")->capture_default_str();
  add_training_flags(command, t);
}

}  // namespace sonograd

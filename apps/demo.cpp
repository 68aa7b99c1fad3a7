#include <filesystem>

#include "apps/training.h"
#include "models/weights/weight_file.h"
#include "models/zoo.h"

namespace sonograd {
namespace {

struct Flags {
  TrainingFlags training;
  Int phantoms = 2400;
};

// The first of demo-run, demo-run-2, … that does not exist, so that no demo writes over another; to resume,
// the one before it.
std::string folder_of_run(bool resume) {
  std::string name = "demo-run", last = name;
  for (int n = 2; std::filesystem::exists(name); ++n) {
    last = name;
    name = fmt::format("demo-run-{}", n);
  }
  const RunFolder before = RunFolder::at(last);
  if (!resume && before.started() && !before.finished())
    fmt::print(stderr, "{} did not finish (`demo --resume` goes on with it); this run is {}\n", last, name);
  return resume ? last : name;
}

// What the flags left open. With weights the paper's own model, phases and numbers. From random weights what
// makes few steps count in minutes: a smaller base under the paper's head, smaller images, larger batches;
// and on real images, which are few, more epochs, each of which changes them a little.
void choose_defaults(TrainingFlags& t, const Command& command) {
  const auto left_open = [&](const char* flag) { return !command.given(flag); };
  if (!t.model.weights.empty()) {
    if (t.model.name.empty()) t.model.name = "aeganb3";
    return;
  }
  if (left_open("--image-size")) t.model.image_size = 64;
  if (left_open("--batch")) t.batch = 32;
  if (left_open("--epochs")) t.epochs = t.data.empty() ? 7 : 60;
  if (left_open("--augment") && !t.data.empty()) t.augment = {"jitter"};
  if (t.rates.empty() && t.phases.empty()) t.rates = {t.data.empty() ? 1e-3 : 5e-4};
  if (t.model.name.empty()) {
    t.model.name = "aeganb0";
    t.notes.emplace_back(
        "The base is EfficientNetB0, not the paper's B3, so that training ends in minutes (--model aeganb3 "
        "takes B3).");
  }
  t.notes.emplace_back("Training began from random weights: the paper's models began from ImageNet's.");
  if (left_open("--norm-momentum")) t.norm_momentum = 0.9;
  if (left_open("--clip-norm")) t.clip_norm = 1;
  if (left_open("--schedule")) t.schedule = "cosine";
}

// Throws for flags that cannot work, before minutes are spent on drawing.
void check_before_drawing(const TrainingFlags& t, const Program& program) {
  const SharedFlags& shared = program.shared;
  phase_plan(t);
  check_graph(t, *program.group);
  if (shared.device != "auto")
    prepare_device(shared, {t.dtype, t.cuda_graph});  // refused; auto speaks once, later
  if (t.model.weights.empty())
    make_model({.name = t.model.name, .image_size = t.model.image_size});
  else
    read_weights(t.model.weights);
}

int run(Flags flags, const Command& command, Program& program) {
  TrainingFlags& t = flags.training;
  if (t.out.empty()) t.out = folder_of_run(t.resume);
  choose_defaults(t, command);
  check_before_drawing(t, program);
  const RunFolder folder = RunFolder::check(t.out, t.resume);
  warn_of_new_run(t.resume, folder);
  if (t.data.empty() && !folder.finished()) {
    folder.make();
    t.data = (folder.path() / "phantoms").string();
    if (!folder.started())
      draw_phantoms(t.data, flags.phantoms, t.model.image_size == 0 ? 256 : 2 * t.model.image_size,
                    program.shared);
    t.split.independent = true;
    t.lead = "Trained on synthetic ultrasound that the program drew itself: no download, no patient.";
  }
  return run_training(t, folder, program);
}

}  // namespace

void add_demo(Program& program) {
  const auto flags = std::make_shared<Flags>();
  TrainingFlags& t = flags->training;
  const Command command =
      program.add("demo", "The main job in miniature: data, training, test, Grad-CAM and a report",
                  "  sonograd demo\n  sonograd demo --data busi --out busi-run\n  sonograd demo --weights "
                  "base.weights.h5 --data busi",
                  [flags, &program] { return run(*flags, program.all.get_command("demo"), program); });
  command.add_option("--data", t.data,
                     "folder with a sub-folder a class; left out: synthetic images are made");
  command.add_option("--phantoms", flags->phantoms, "synthetic images to make")
      .check(positive())
      .capture_default_str();
  command.get_option("--phantoms").excludes(command.get_option("--data"));
  add_training_flags(command, t);
  command.get_option("--image-size")
      .default_str("64, with --weights theirs")
      .description("height and width in pixels");
  command.get_option("--out").default_str("demo-run, or the next that is free");
  command.get_option("--batch").default_str("32, with --weights 16");
  command.get_option("--epochs").default_str("7, with --data 60, with --weights 100");
  command.get_option("--schedule").default_str("cosine, with --weights constant");
  command.get_option("--clip-norm").default_str("1, with --weights none");
  command.get_option("--norm-momentum").default_str("0.9, with --weights the layers'");
  command.get_option("--augment").default_str("none, with --data jitter, with --weights none");
  command.get_option("--lr")
      .description("learning rate of each phase")
      .default_str("1e-3, with --data 5e-4, with --weights 1e-3 and 1e-5");
}

}  // namespace sonograd

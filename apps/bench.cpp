#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "apps/command.h"
#include "apps/fallbacks.h"
#include "apps/op_table.h"
#include "apps/roofline.h"
#include "base/file.h"
#include "base/parallel.h"
#include "gan/adversarial_step.h"
#include "models/zoo.h"
#include "tensor/gpu/gpu.h"
#include "tensor/pool.h"
#include "train/step_graph.h"

namespace sonograd {
namespace {

struct Flags {
  ModelOptions model;
  std::string what = "infer", dtype = "f32", data, roofline;
  Int batch = 16, repeat = 5;
  bool ops = false, recompute = false, cuda_graph = false;
};

double mib(Int bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

rusage usage_so_far() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

double peak_mib() {
  return static_cast<double>(usage_so_far().ru_maxrss) / 1024.0;
}

// What the system itself has worked for this process, on all threads: of a first step, new pages.
double system_ms() {
  const timeval time = usage_so_far().ru_stime;
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
}

void check_picture(const std::filesystem::path& file) {
  if (file.extension() != ".svg")
    throw UsageError("--roofline {}: it is drawn as SVG, so the file's name must end in .svg", file.string());
  check_folder(absolute(file).parent_path());
}

double run_once(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// The work that is timed: one inference or one training step, as predict and train do it.
std::function<void()> work_of(const Flags& flags, Model& model, const SharedFlags& shared, Device device) {
  const Int size = flags.model.image_size;
  auto batch = std::make_shared<Batch>();
  batch->images = Tensor::empty({flags.batch, size, size, 3}, DType::f32, device);
  initialise(batch->images, {Init::Kind::uniform, 127}, Random(shared.seed, "bench"));
  for (Int i = 0; i < flags.batch; ++i)
    batch->labels.push_back(i % static_cast<Int>(flags.model.classes.size()));
  if (flags.what == "infer") return [batch, &model] { model.predict(batch->images); };

  freeze_for(model, flags.what == "train"      ? TrainingPhase::scratch
                    : flags.what == "finetune" ? TrainingPhase::finetune
                                               : TrainingPhase::transfer);
  auto features = std::make_shared<BaseFeatures>();
  if (flags.what == "cached") {
    Context inference;
    const NoGrad quiet;
    features->values = model.features(batch->images, inference);
    for (Int i = 0; i < flags.batch; ++i) {
      batch->samples.push_back(i);
      features->row_of.push_back(i);
    }
  }
  auto optimizer = std::make_shared<Adam>();
  StepOptions options{
      .recompute = flags.recompute, .precision = precision_named(flags.dtype), .random = Random(shared.seed)};
  if (flags.what == "cached") options.features = features.get();
  const auto scale = std::make_shared<LossScale>();
  if (options.precision == Precision::f16) options.loss_scale = scale.get();
  const auto graph = std::make_shared<StepGraph>();
  const bool graphs = flags.cuda_graph && device == Device::gpu;
  return [batch, features, scale, &model, optimizer, options, graph, graphs]() mutable {
    const auto trained = trained_parameters(model);
    graphs ? graph->update(model, trained, *batch, options, *optimizer, 1e-5)
           : train_step(model, trained, *batch, options, *optimizer, 1e-5);
    ++options.step;
  };
}

// The DCGAN's: pictures of noise, or one adversarial step with all its updates, as `gan train` does it.
std::function<void()> gan_work_of(const Flags& flags, const SharedFlags& shared, Device device) {
  if (flags.what != "infer" && flags.what != "train")
    throw UsageError("--what {}: a dcgan is timed in infer and train", flags.what);
  const Random random(shared.seed);
  auto gan = std::make_shared<Gan>(DcganOptions{.image_size = flags.model.image_size});
  gan->initialise(random, DType::f32, device);
  const auto noise = [=, batch = flags.batch](std::uint64_t k) {
    return latent_noise(batch, random.at(k), DType::f32, device);
  };
  if (flags.what == "infer") return [=] { generate(gan->generator, noise(0)); };
  const Tensor real = generate(gan->generator, noise(0));
  const SmoothedLabels labels = smoothed_labels(flags.batch, random, DType::f32, device);
  return [=, step = std::uint64_t{0}]() mutable {
    adversarial_step(*gan, real, {noise(3 * step), noise(3 * step + 1), noise(3 * step + 2)}, labels,
                     {.random = random.at(step)});
    ++step;
  };
}

// What a run's images cost before it: reading, decoding, resizing; and each epoch: a batch of them, jittered.
std::function<void()> data_work_of(const Flags& flags) {
  if (flags.data.empty()) throw UsageError("--what data reads the images of --data DIR");
  Dataset folder = list_folder(flags.data);
  folder.samples.resize(std::min<std::size_t>(folder.samples.size(), static_cast<std::size_t>(flags.batch)));
  expect(folder.size() == flags.batch, "{} holds {} images, fewer than --batch {}", flags.data, folder.size(),
         flags.batch);
  folder.classes = {folder.classes[0]};  // the first images may be of one class
  for (LabelledFile& sample : folder.samples) sample.label = 0;
  const Int size = flags.model.image_size;
  return [=] {
    Dataset read = folder;
    const ImageSet images = read_images(read, size, size);
    std::vector<Int> all(static_cast<std::size_t>(images.size()));
    std::iota(all.begin(), all.end(), Int{0});
    Loader loader(images, std::vector<Int>(all.size(), 0), all,
                  {.batch = flags.batch, .augmentation = {.jitter = true}});
    loader.start(0);
    loader.next();
  };
}

int run(const Flags& flags, const SharedFlags& shared) {
  const bool data = flags.what == "data", gan = flags.model.name == "dcgan";
  const bool training = flags.what != "infer" && !data && !gan;
  const std::string its = flags.dtype != "f32" ? "--dtype " + flags.dtype
                          : flags.cuda_graph   ? "--cuda-graph"
                          : flags.recompute    ? "--recompute"
                                               : "";
  if (!its.empty() && !training)
    throw UsageError("{} is of a classifier's training step: {}leave it out", its,
                     gan ? "" : "give --what train, or ");
  if (!flags.data.empty() && !data) throw UsageError("--data belongs to --what data; leave it out");
  if (!flags.roofline.empty()) check_picture(flags.roofline);
  if (flags.cuda_graph && flags.dtype == "f16")
    throw UsageError(
        "--cuda-graph records a batch's update as a whole, and --dtype f16 looks whether the gradients "
        "overflowed before it; leave one of them out (bf16 may stay)");
  const Device device =
      prepare_device(shared, {training ? flags.dtype : std::string_view(), flags.cuda_graph});
  const bool limited = flags.ops || !flags.roofline.empty();
  if (limited && flags.cuda_graph)
    throw UsageError(
        "--ops and --roofline time op by op what --cuda-graph launches as a whole; leave it out");
  std::optional<Model> model;
  if (!gan && !data) model = make_model(flags.model);
  std::function<void()> work;
  const double set_up = run_once([&] {
    if (model) model->initialise(Random(shared.seed), DType::f32, device);
    work = data  ? data_work_of(flags)
           : gan ? gan_work_of(flags, shared, device)
                 : work_of(flags, *model, shared, device);
    if (device == Device::gpu)  // whose work is put on a stream and done later
      work = [launch = std::move(work)] {
        launch();
        gpu::synchronise();
      };
  });
  if (device == Device::gpu) gpu::reset_peak();  // weights and images stay counted
  const double system_before = system_ms();
  const double first = run_once(work);
  const double first_system = system_ms() - system_before;
  for (int i = 0; i < 2 && flags.cuda_graph; ++i) work();  // which rehearse and record
  std::vector<double> times;
  for (Int i = 0; i < flags.repeat; ++i) times.push_back(run_once(work));
  std::sort(times.begin(), times.end());
  const double median = times.size() % 2 == 1 ? times[times.size() / 2]
                                              : (times[times.size() / 2 - 1] + times[times.size() / 2]) / 2;
  const double peak = peak_mib(), pool_peak = mib(pool::peak_bytes());
  const bool on_gpu = device == Device::gpu;
  const double gpu_peak = on_gpu ? mib(gpu::peak_bytes()) : 0;
  const MachineLimits limits = limited ? measure_limits(device) : MachineLimits{};
  // For its FLOPs alone where no table is asked for, and then the gpu's clock need not run.
  const std::vector<OpCost> table = op_table(work, limits, limited ? device : Device::cpu);
  double flops = 0;
  for (const OpCost& cost : table) flops += cost.flops;
  const double gflops = 1e-6 * flops / median;
  const bool graphs = flags.cuda_graph && device == Device::gpu;
  const std::string how =
      fmt::format("{}{}{}{}", training ? flags.dtype + ", " : "", flags.recompute ? "recomputed, " : "",
                  graphs ? "by a graph, " : "", device_text(shared) + fallback_text());

  if (!flags.roofline.empty()) {
    write_file_atomically(
        flags.roofline,
        roofline(fmt::format("{} {}, batch {}", flags.model.name, flags.what, flags.batch), table, limits)
            .file());
    fmt::print(stderr, "{} shows its ops under this machine's roofs\n", flags.roofline);
  }
  if (shared.json) {
    nlohmann::ordered_json json{{"model", flags.model.name},
                                {"what", flags.what},
                                {"batch", flags.batch},
                                {"dtype", flags.dtype},
                                {"image_size", flags.model.image_size},
                                {"device", device_text(shared) + fallback_text()},
                                {"recompute", flags.recompute},
                                {"cuda_graph", graphs},
                                {"threads", threads()},
                                {"median_ms", median},
                                {"min_ms", times.front()},
                                {"set_up_ms", set_up},
                                {"first_ms", set_up + first},
                                {"first_system_ms", first_system},
                                {"peak_mb", peak},
                                {"pool_peak_mb", pool_peak},
                                {"gpu_peak_mb", on_gpu ? nlohmann::json(gpu_peak) : nlohmann::json()},
                                {"gflops", gflops}};
    if (flags.ops) json["ops"] = ops_json(table, limits);
    print_json(json);
    return 0;
  }
  fmt::print(
      "{} {}, batch {}, {} x {}, {}, {} threads: median {:.1f} ms, least {:.1f} ms, first {:.1f} ms "
      "after {:.1f} ms of set-up, {:.1f} images/s, peak {}\n",
      flags.model.name, flags.what, flags.batch, flags.model.image_size, flags.model.image_size, how,
      threads(), median, times.front(), first, set_up, 1e3 * static_cast<double>(flags.batch) / median,
      on_gpu ? fmt::format("{:.0f} MiB of the gpu's memory, {:.0f} MiB of the host's", gpu_peak, peak)
             : fmt::format("{:.0f} MiB (pool {:.0f})", peak, pool_peak));
  if (flags.ops) print_ops(table, limits);
  return 0;
}

}  // namespace

void add_bench(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add(
      "bench", "Time inference or a training step of a model, by the code that predict and train run",
      "  sonograd bench --model aeganb3 --what train --batch 16\n  sonograd bench --model efficientnetb3 "
      "--what infer --batch 1 --ops\n  sonograd bench --model efficientnetb3 --what train --roofline "
      "roofline.svg",
      [flags, &program] { return run(*flags, program.shared); });
  command.add_option("--model", flags->model.name, "model, or dcgan").capture_default_str();
  command
      .add_option(
          "--what", flags->what,
          "infer; a step of train, finetune or transfer; cached: of transfer on features that were computed "
          "once; data: reading, decoding, resizing and jittering images of --data")
      .check(one_of({"infer", "train", "finetune", "transfer", "cached", "data"}))
      .capture_default_str();
  command.add_option("--batch", flags->batch, "images a step").check(positive()).capture_default_str();
  command.add_option("--image-size", flags->model.image_size, "height and width")
      .check(positive())
      .capture_default_str();
  command.add_option("--repeat", flags->repeat, "timed runs after the first")
      .check(positive())
      .capture_default_str();
  command.add_option("--dtype", flags->dtype, "of training: f32, bf16 or f16, see `sonograd train --help`")
      .check(one_of({"f32", "bf16", "f16"}))
      .capture_default_str();
  command.add_flag("--recompute", flags->recompute, "train with less memory, see `sonograd train --help`");
  command.add_flag(
      "--cuda-graph", flags->cuda_graph,
      "train by a recorded graph, see `sonograd train --help`; it is made before the runs timed");
  command.add_flag("--ops", flags->ops,
                   "also a table of what each op costs, beside what this machine can do");
  command.add_option("--roofline", flags->roofline,
                     "SVG file: where each op stands below what this machine can do");
  command.add_option("--data", flags->data, "with --what data: a folder with a sub-folder a class");
  hide_flags(command, {"--keras", "--quiet"});
}

}  // namespace sonograd

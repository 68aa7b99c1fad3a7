#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/model_flags.h"
#include "autograd/gradcheck_cause.h"
#include "data/decode.h"
#include "data/folder.h"
#include "data/images.h"
#include "data/resize.h"
#include "models/compare_activations.h"
#include "train/evaluate.h"

namespace sonograd {
namespace {

struct Flags {
  ModelFlags model;
  std::string dump;
  std::vector<std::string> paths;
  CompareActivations options;
};

Tensor read_pictures(const Model& model, const std::vector<std::string>& paths) {
  const Int size = model.options().image_size;
  ImageSet set{size, size, {}, {}};
  std::vector<Int> all;
  for (const std::string& file : find_images(paths)) {
    const Image image = resize_area(read_image(file), size, size);
    set.pixels.insert(set.pixels.end(), image.pixels.begin(), image.pixels.end());
    all.push_back(static_cast<Int>(all.size()));
  }
  return images_for(model, set, all);
}

// 0, 1, 2-3, 4-7, …
std::string bucket_text(std::size_t bucket) {
  if (bucket < 2) return std::to_string(bucket);
  const auto low = std::uint64_t{1} << (bucket - 1);
  return fmt::format("{}-{}", low, low + (low - 1));
}

// The bucket that the middle value lies in.
std::size_t median_bucket(const LayerComparison& layer) {
  Int values = 0, below = 0;
  for (const Int count : layer.ulps) values += count;
  std::size_t bucket = 0;
  while (bucket < layer.ulps.size() && 2 * (below += layer.ulps[bucket]) < values) ++bucket;
  return bucket;
}

void print_table(const ActivationComparison& all) {
  fmt::print("{:<52} {:<18} {:>13} {:>9}  {}\n", "layer", "output", "largest error", "relative",
             "units in the last place, median");
  for (const LayerComparison& l : all.layers) {
    const bool comparable = !l.ulps.empty();
    fmt::print("{:<52} {:<18} {:>13} {:>9}  {}{}\n", l.layer, l.ours.text(),
               comparable ? fmt::format("{:.3g}", l.largest_error) : "-",
               comparable ? fmt::format("{:.2g}", l.relative_error) : "-",
               comparable ? bucket_text(median_bucket(l)) : "-", l.differs ? "  differs" : "");
  }
}

void print_first(const LayerComparison& l) {
  fmt::print("\nthe first layer that differs is {}: ours {}, the dump's {}\n", l.layer, l.ours.text(),
             l.theirs.text());
  if (l.ulps.empty()) return;
  fmt::print("largest error {:.3g}, {:.3g} of the largest value, at {}: ours {:.9g}, theirs {:.9g}\n",
             l.largest_error, l.relative_error, index_text(l.worst, l.ours), l.our_value, l.their_value);
  fmt::print("{:>24} {:>12}\n", "units in the last place", "values");
  for (std::size_t bucket = 0; bucket < l.ulps.size(); ++bucket)
    if (l.ulps[bucket] > 0) fmt::print("{:>24} {:>12}\n", bucket_text(bucket), l.ulps[bucket]);
}

void print_alone(const char* whose, const std::vector<std::string>& names) {
  if (names.empty()) return;
  fmt::print("not compared, {} alone ({}):", whose, names.size());
  for (const std::string& name : names) fmt::print(" {}", name);
  fmt::print("\n");
}

nlohmann::ordered_json json_of(const LayerComparison& l) {
  const auto sizes = [](const Shape& shape) { return std::vector<Int>(shape.begin(), shape.end()); };
  return {{"layer", l.layer},
          {"output", sizes(l.ours)},
          {"theirs", sizes(l.theirs)},
          {"largest_error", l.largest_error},
          {"relative_error", l.relative_error},
          {"worst", l.worst},
          {"ours_there", l.our_value},
          {"theirs_there", l.their_value},
          {"ulps", l.ulps},
          {"differs", l.differs}};
}

void print_json(const ActivationComparison& all, const CompareActivations& options) {
  auto layers = nlohmann::ordered_json::array();
  for (const LayerComparison& layer : all.layers) layers.push_back(json_of(layer));
  const LayerComparison* const first = all.first_that_differs();
  sonograd::print_json(
      nlohmann::ordered_json{{"first", first ? nlohmann::json(first->layer) : nlohmann::json()},
                             {"tolerance", options.tolerance},
                             {"isolate", options.isolate},
                             {"layout", all.channels_first ? "nchw" : "nhwc"},
                             {"layers", std::move(layers)},
                             {"ours_alone", all.ours_alone},
                             {"theirs_alone", all.theirs_alone}});
}

int run(const Flags& flags, const SharedFlags& shared) {
  const Device device = prepare_device(shared);
  Model model = open_model(flags.model, shared, device);
  const StoredTensors dump = read_weights(flags.dump).tensors;
  Tensor images = input_of(dump, DType::f32, device);
  // On the reference the model runs in the dump's own precision.
  const bool f64 = device == Device::reference && std::any_of(dump.begin(), dump.end(), [](const auto& t) {
                     return t.type == ElementType::f64;
                   });
  if (f64) model.convert(DType::f64, device);
  if (!flags.paths.empty()) images = read_pictures(model, flags.paths);
  const ActivationComparison all =
      compare_activations(model, f64 ? images.to(DType::f64) : images, dump, flags.options);
  const LayerComparison* const first = all.first_that_differs();
  if (shared.json) {
    print_json(all, flags.options);
    return first ? 1 : 0;
  }
  if (all.channels_first)
    fmt::print("the dump's maps are [batch, channels, height, width]: their axes are moved to ours\n\n");
  print_table(all);
  print_alone("in the model", all.ours_alone);
  print_alone("in the dump", all.theirs_alone);
  if (first)
    print_first(*first);
  else
    fmt::print("\n{} layers agree within {:g} of their largest value\n", all.layers.size(),
               flags.options.tolerance);
  return first ? 1 : 0;
}

}  // namespace

void add_compare_activations(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add(
      "compare-activations",
      "Our layers' outputs beside another framework's; names the first layer that differs",
      "  python scripts/dump_activations.py keras xception --out dump.npz --weights-out x.weights.h5\n"
      "  sonograd compare-activations --model xception --weights x.weights.h5 --image-size 96 dump.npz\n"
      "  sonograd compare-activations --weights run/best.safetensors --isolate --tolerance 1e-5 dump.npz",
      [flags, &program] { return run(*flags, program.shared); });
  add_model_flags(command, flags->model);
  command.get_option("--weights").required();
  command
      .add_option("--tolerance", flags->options.tolerance,
                  "a layer differs where its largest error is more than this share of its largest value")
      .check(not_negative())
      .capture_default_str();
  command.add_flag(
      "--isolate", flags->options.isolate,
      "give each layer the dump's outputs of the layers before it, so that errors do not add up");
  command
      .add_option("dump", flags->dump,
                  "`input` and the layers' outputs, as scripts/dump_activations.py writes them")
      .required();
  command.add_option("paths", flags->paths, "images in place of the dump's input, decoded and resized here");
  hide_flags(command, {"--batch-norm", "--attention", "--quiet"});
}

}  // namespace sonograd

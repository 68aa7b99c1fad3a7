#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/evidence.h"
#include "apps/model_flags.h"
#include "base/file.h"
#include "data/decode.h"
#include "data/folder.h"
#include "data/images.h"
#include "data/png.h"
#include "data/resize.h"
#include "explain/explain.h"
#include "explain/overlay.h"
#include "report/progress.h"
#include "train/evaluate.h"

namespace sonograd {
namespace {

constexpr double largest_incompleteness = 1e-3;

struct Flags {
  ModelFlags model;
  std::string method = "gradcam", variant = "paper", layer, out;
  std::string target;  // a class's name or code; empty: the one that is predicted
  bool exchange_colours = false;
  std::vector<std::string> paths;
};

// What a picture alone would not tell.
std::string_view note_on(const HeatMap& map) {
  constexpr float even = 0.95F;
  if (map.largest() == 0) return " (no value above zero: nothing in this map speaks for the class)";
  if (*std::min_element(map.values.begin(), map.values.end()) >= even * map.largest())
    return " (nearly even: this map tells no place from another)";
  return "";
}

// Where the default layer's map is too coarse to show a place: the layer that a run's report takes.
std::string finer_layer(const Flags& flags, const Model& model, const Tensor& image, const HeatMap& map) {
  if (!flags.layer.empty() || map.layer.empty() || map.height >= least_map_height) return "";
  const std::string layer = last_feature_map(model, image, least_map_height);
  return layer == map.layer ? "" : layer;
}

// Where the map is from: the default layer depends on the model, and a small image leaves few places there.
std::string seen_by(const HeatMap& map) {
  const std::string size = fmt::format("map {} x {}", map.height, map.width);
  return map.layer.empty() ? size : fmt::format("layer {}, {}", map.layer, size);
}

// ExplainOptions::target
Int target_of(const std::string& text, const std::vector<std::string>& classes) {
  if (text.empty()) return -1;
  for (std::size_t code = 0; code < classes.size(); ++code)
    if (text == classes[code] || text == std::to_string(code)) return static_cast<Int>(code);
  throw UsageError("--class {}: the classes are {}, by name or by their codes from 0", text,
                   fmt::join(classes, ", "));
}

// Where each image's map goes, less .png and .npy. Maps take the place of maps alone, and not of what they
// explain.
std::vector<std::filesystem::path> places(const std::vector<std::string>& files,
                                          const std::filesystem::path& out) {
  std::vector<std::filesystem::path> stems;
  std::set<std::string> used;
  for (const std::string& file : files) {
    stems.push_back(out / unused_stem(file, used));
    const std::string map = stems.back().string() + ".png";
    std::error_code none;
    const bool is_map = std::filesystem::exists(stems.back().string() + ".npy", none) &&
                        !std::filesystem::equivalent(map, file, none);
    expect(!std::filesystem::exists(map, none) || is_map,
           "{} is there and no map of ours, whose place the map of {} would take; choose another --out", map,
           file);
  }
  return stems;
}

int run(const Flags& flags, const SharedFlags& shared) {
  const Model model = open_model(flags.model, shared, prepare_device(shared));
  const Int size = model.options().image_size;
  const std::vector<std::string> files = find_images(flags.paths);
  check_folder(flags.out);
  const std::vector<std::filesystem::path> stems = places(files, flags.out);
  const ExplainOptions options{flags.method, flags.variant == "notebook", flags.layer,
                               target_of(flags.target, model.options().classes)};
  auto rows = nlohmann::ordered_json::array();
  int bad = 0;
  bool hinted = shared.quiet || shared.json;
  Progress progress("explain", static_cast<Int>(files.size()), shared.quiet);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string& file = files[i];
    Image image;  // as large as it is, which the eye wants; the network sees it at its own size
    try {
      image = read_image(file);
    } catch (const Error& error) {
      progress.finish();
      std::fprintf(stderr, "sonograd: %s\n", error.what());
      ++bad;
      continue;
    }
    const ImageSet set{size, size, resize_area(image, size, size).pixels, {}};
    const Int first = 0;
    const Tensor input = images_for(model, set, std::span(&first, 1));
    const HeatMap map = explain(model, input, options);
    make_folder(flags.out);  // not before: what fails leaves nothing behind
    const std::filesystem::path& stem = stems[i];
    write_npy(stem.string() + ".npy", map);
    const OverlayOptions colours{.from_least = flags.method == "rollout",
                                 .exchange_colours = flags.exchange_colours};
    write_png(stem.string() + ".png", overlay(enlarged(image), map, colours));
    const std::string& name = model.options().classes[static_cast<std::size_t>(map.target)];
    rows.push_back({{"file", file},
                    {"map", stem.string() + ".npy"},
                    {"overlay", stem.string() + ".png"},
                    {"method", flags.method},
                    {"layer", map.layer},
                    {"size", {map.height, map.width}},
                    {"class", name},
                    {"probability", map.probabilities[static_cast<std::size_t>(map.target)]},
                    {"largest", map.largest()},
                    {"incompleteness", map.incompleteness}});
    progress.finish();  // lines of their own
    if (const std::string finer = hinted ? "" : finer_layer(flags, model, input, map); !finer.empty()) {
      hinted = true;
      std::fprintf(
          stderr,
          "sonograd: the map is %lld x %lld at this image size, too coarse to show a place; --layer %s "
          "is finer\n",
          static_cast<long long>(map.height), static_cast<long long>(map.width), finer.c_str());
    }
    if (map.incompleteness > largest_incompleteness)
      std::fprintf(stderr, "sonograd: %s: the attributions miss the score's rise by %.2g of it\n",
                   file.c_str(), map.incompleteness);
    if (!shared.json)
      fmt::print("{}: {} {:.4f}, {}, {}{}\n", file, name,
                 map.probabilities[static_cast<std::size_t>(map.target)], seen_by(map),
                 stem.string() + ".png", note_on(map));
    const auto done = static_cast<Int>(rows.size()) + bad;
    progress.update(done, done, "explained");
  }
  progress.finish();
  if (shared.json) print_json(nlohmann::ordered_json{{"explanations", rows}, {"unreadable", bad}});
  return bad > 0 ? 1 : 0;
}

}  // namespace

void add_explain(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add(
      "explain", "Heat maps of what an answer rests on: raw maps (.npy) and overlays (.png)",
      "  sonograd explain --weights run/best.safetensors --out maps scan.png\n"
      "  sonograd explain --weights vit.safetensors --method rollout --out maps scan.png\n"
      "  sonograd explain --weights run/best.safetensors --method integrated-gradients --class malignant "
      "--json --out maps folder/\n"
      "  sonograd explain --weights run/best.safetensors --variant notebook --exchange-colours "
      "--out maps folder/",
      [flags, &program] { return run(*flags, program.shared); });
  add_model_flags(command, flags->model);
  command.get_option("--weights").required();
  command.add_option("--method", flags->method, "how the map is made")
      .check(one_of(explanation_methods()))
      .capture_default_str();
  command
      .add_option("--variant", flags->variant,
                  "paper: the logit, plain mean; notebook: the softmax and its normalisation")
      .check(one_of({"paper", "notebook"}))
      .capture_default_str();
  command.add_option(
      "--layer", flags->layer,
      "layer by the name that `summary` prints, or Keras'; default: the last feature map, which for a "
      "small image is coarse: an earlier layer's is finer");
  command.add_option(
      "--class", flags->target,
      "class to explain, by name or code; default: the predicted one. A rollout is the same for "
      "all");
  command.add_flag("--exchange-colours", flags->exchange_colours,
                   "red and blue exchanged, as the notebook shows its maps");
  command.add_option("--out", flags->out, "folder for the maps").required();
  command.add_option("paths", flags->paths, "images or folders").required();
  hide_flags(command, {"--batch-norm", "--attention"});
}

}  // namespace sonograd

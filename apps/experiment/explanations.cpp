#include "apps/experiment/explanations.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/experiment/lesion_masks.h"
#include "apps/model_flags.h"
#include "base/file.h"
#include "data/decode.h"
#include "data/images.h"
#include "data/resize.h"
#include "data/sha256.h"
#include "explain/explain.h"
#include "models/zoo.h"
#include "report/bootstrap.h"
#include "report/progress.h"
#include "train/evaluate.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  ModelFlags model;
  std::string data, masks, exclude, method = "gradcam", layer, out;
  std::string of = "label";
  Int steps = 20;
};

// One map of one image.
struct Row {
  std::string file, label, explained;
  double share;  // of the image that is lesion
  LesionScores place;
  Faithfulness model;
};

// The same images under one kind of map.
struct Arm {
  std::string name;
  std::vector<Row> rows;
  Int zero = 0;            // maps that are zero everywhere
  std::string layer = {};  // of the feature map, where the method reads one
};

struct Score {
  const char* name;
  double (*of)(const Row&);
};
const Score scores[] = {{"energy", [](const Row& r) { return r.place.energy; }},
                        {"iou", [](const Row& r) { return r.place.iou; }},
                        {"insertion", [](const Row& r) { return r.model.insertion; }},
                        {"deletion", [](const Row& r) { return r.model.deletion; }}};

Int hits(const Arm& arm) {
  return std::count_if(arm.rows.begin(), arm.rows.end(), [](const Row& r) { return r.place.hit; });
}

double mean(const Arm& arm, double (*of)(const Row&)) {
  double sum = 0;
  for (const Row& row : arm.rows) sum += of(row);
  return sum / static_cast<double>(arm.rows.size());
}

Interval interval(const Arm& arm, double (*of)(const Row&), std::uint64_t seed) {
  std::vector<double> values;
  for (const Row& row : arm.rows) values.push_back(of(row));
  return mean_bootstrap(values, seed);
}

// The class of a sample among the model's, by name.
Int code_of(const Model& model, const std::string& name) {
  const auto& classes = model.options().classes;
  const auto found = std::find(classes.begin(), classes.end(), name);
  expect(found != classes.end(), "the data has a class {}, the model only {}; try --explain predicted", name,
         fmt::join(classes, ", "));
  return found - classes.begin();
}

std::vector<Arm> measure(const Flags& flags, const SharedFlags& shared, const Model& model, Device device,
                         const Dataset& data, const LesionImages& lesions) {
  Model unlearned = make_model(model.options());
  unlearned.initialise(Random(shared.seed).stream("randomised weights"), DType::f32, device);
  const Int size = model.options().image_size;
  const std::vector<float> prior = centre_prior(size, size);
  std::vector<Arm> arms{{flags.method, {}}, {"randomised weights", {}}, {"centre prior", {}}};
  Progress progress("explanations", static_cast<Int>(lesions.images.size()), shared.quiet);
  for (const auto& [sample, lesion] : lesions.images) {
    const LabelledFile& file = data.samples[static_cast<std::size_t>(sample)];
    const std::string& label = data.classes[static_cast<std::size_t>(file.label)];
    const ImageSet set{size, size, resize_area(read_image(data.root / file.file), size, size).pixels, {}};
    const Int first = 0;
    const Tensor image = images_for(model, set, std::span(&first, 1));
    ExplainOptions options{flags.method, false, flags.layer, flags.of == "label" ? code_of(model, label) : -1,
                           true};
    const HeatMap learned = explain(model, image, options);
    options.target = learned.target;
    arms[0].layer = learned.layer;
    const HeatMap chance = explain(unlearned, image, options);
    const auto stretched = [&](const HeatMap& map) {
      return resize_bilinear(map.values, map.height, map.width, size, size);
    };
    const ClassScore probability = [&](const Tensor& images) {
      const std::vector<double> p = model.predict(images).values();
      std::vector<double> of_class;
      const std::size_t classes = model.options().classes.size();
      for (auto i = static_cast<std::size_t>(learned.target); i < p.size(); i += classes)
        of_class.push_back(p[i]);
      return of_class;
    };
    const std::vector<std::vector<float>> maps{stretched(learned), stretched(chance), prior};
    for (std::size_t a = 0; a < arms.size(); ++a) {
      arms[a].zero += std::all_of(maps[a].begin(), maps[a].end(), [](float value) { return value == 0; });
      arms[a].rows.push_back({file.file, label,
                              model.options().classes[static_cast<std::size_t>(learned.target)],
                              lesion.share(), score_lesion(maps[a], lesion),
                              faithfulness(image, maps[a], flags.steps, probability)});
    }
    const auto done = static_cast<Int>(arms[0].rows.size());
    progress.update(done, done, "scored");
  }
  progress.finish();
  const auto n = static_cast<Int>(lesions.images.size());
  expect(arms[0].zero < n,
         "the maps of all {} images are zero everywhere; choose another --layer or --method", n);
  return arms;
}

Table all_rows(const std::vector<Arm>& arms) {
  Table table{{"map", "file", "class", "explained", "lesion_share", "hit"}, {}};
  for (const Score& score : scores) table.header.emplace_back(score.name);
  for (const Arm& arm : arms)
    for (const Row& row : arm.rows) {
      table.rows.push_back(
          {arm.name, row.file, row.label, row.explained, significant(row.share), row.place.hit ? "1" : "0"});
      for (const Score& score : scores) table.rows.back().push_back(significant(score.of(row)));
    }
  return table;
}

Json summary(const Flags& flags, const Model& model, const Dataset& data, const std::vector<Arm>& arms,
             const LesionImages& lesions, std::uint64_t seed) {
  const auto n = static_cast<Int>(arms[0].rows.size());
  Json json{{"model", model.options().name},
            {"image_size", model.options().image_size},
            {"weights", sha256(read_file(flags.model.weights))},
            {"data_hash", data_hash(data)},
            {"seed", seed},
            {"images", n},
            {"without_mask", lesions.without_mask},
            {"empty_mask", lesions.empty},
            {"excluded", lesions.excluded},
            {"method", flags.method},
            {"layer", arms[0].layer},
            {"explained", flags.of},
            {"steps", flags.steps},
            {"baseline", "mean colour"},
            {"lesion_share", mean(arms[0], [](const Row& r) { return r.share; })},
            {"maps", Json::array()}};
  for (const Arm& arm : arms) {
    const Interval hit = wilson_interval(hits(arm), n);
    Json map{{"map", arm.name},
             {"zero_maps", arm.zero},
             {"pointing",
              {{"hits", hits(arm)},
               {"mean", static_cast<double>(hits(arm)) / static_cast<double>(n)},
               {"interval", {hit.low, hit.high}}}}};
    for (const Score& score : scores) {
      const Interval range = interval(arm, score.of, seed);
      map[score.name] = {{"mean", mean(arm, score.of)}, {"interval", {range.low, range.high}}};
    }
    json["maps"].push_back(std::move(map));
  }
  return json;
}

void print(const Json& json) {
  const auto text = [](const Json& score) {
    return fmt::format("{:.3f} ({:.3f}–{:.3f})", score["mean"].get<double>(),
                       score["interval"][0].get<double>(), score["interval"][1].get<double>());
  };
  Table table{{"map", "pointing game", "energy inside", "IoU", "insertion", "deletion", "zero maps"}, {}};
  for (const Json& map : json["maps"]) {
    table.rows.push_back({map["map"], text(map["pointing"])});
    for (const Score& score : scores) table.rows.back().push_back(text(map[score.name]));
    table.rows.back().push_back(
        fmt::format("{} of {}", map["zero_maps"].get<Int>(), json["images"].get<Int>()));
  }
  fmt::print("{} images with a lesion mask; left out: {} without one, {} with an empty one, {} excluded\n{}",
             json["images"].get<Int>(), json["without_mask"].get<Int>(), json["empty_mask"].get<Int>(),
             json["excluded"].get<Int>(), table.text());
  fmt::print(
      "the lesion covers {} of an image on average, which an even map would score as energy; in brackets 95 "
      "% "
      "intervals: Wilson's, and of means by the bootstrap over images\n",
      percent(json["lesion_share"].get<double>(), 1));
}

int run(const Flags& flags, const SharedFlags& shared) {
  const Device device = prepare_device(shared);
  const Model model = open_model(flags.model, shared, device);
  if (!flags.out.empty()) check_folder(flags.out);
  const Dataset data = list_folder(flags.data);
  const LesionImages lesions =
      read_lesions(data, flags.masks.empty() ? flags.data : flags.masks, model.options().image_size,
                   flags.exclude.empty() ? std::vector<std::string>{} : read_order(flags.exclude));
  const std::vector<Arm> arms = measure(flags, shared, model, device, data, lesions);
  const Json json = summary(flags, model, data, arms, lesions, shared.seed);
  if (!flags.out.empty()) {
    const std::filesystem::path out = flags.out;
    make_folder(out);
    write_file_atomically(out / "explanations.csv", all_rows(arms).csv());
    write_file_atomically(out / "explanations.json", json_text(json));
  }
  if (shared.json)
    print_json(json);
  else
    print(json);
  return 0;
}

}  // namespace

void add_explanations(Program& program, const Command& experiment) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add_under(
      experiment, "explanations",
      "Do heat maps find the lesions? Beside a centre prior and the same model with random weights "
      "(docs/explanations.md)",
      "  sonograd experiment explanations --weights run/best.safetensors --data phantoms\n"
      "  sonograd experiment explanations --weights run/best.safetensors --data busi --masks busi-masks "
      "--exclude cut-outs.txt --method hirescam --out maps",
      [flags, &program] { return run(*flags, program.shared); });
  add_model_flags(command, flags->model);
  command.get_option("--weights").required();
  command.add_option("--data", flags->data, "folder with a sub-folder a class").required();
  command.add_option("--masks", flags->masks,
                     "folder of the masks, of CLASS/a.png CLASS/a_mask.png, CLASS/a_mask_1.png …; default "
                     "beside the images");
  command.add_option("--exclude", flags->exclude,
                     "list of images to leave out, a path relative to the data folder a line");
  command.add_option("--method", flags->method, "how the map is made")
      .check(one_of(explanation_methods()))
      .capture_default_str();
  command.add_option("--layer", flags->layer, "layer by the name that `summary` prints; see `explain`");
  command.add_option("--explain", flags->of, "which class: the image's label or the predicted one")
      .check(one_of({"label", "predicted"}))
      .capture_default_str();
  command.add_option("--steps", flags->steps, "parts of the image in which insertion and deletion go")
      .check(positive())
      .capture_default_str();
  command.add_option("--out", flags->out,
                     "folder for explanations.csv, a row an image and map, and the "
                     "summary");
  hide_flags(command, {"--batch-norm", "--attention"});
}

}  // namespace sonograd

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>

#include "apps/model_flags.h"
#include "base/file.h"
#include "data/decode.h"
#include "data/folder.h"
#include "data/images.h"
#include "data/resize.h"
#include "report/table.h"
#include "tensor/out_of_memory.h"
#include "train/evaluate.h"

namespace sonograd {
namespace {

struct Flags {
  ModelFlags model;
  std::vector<std::string> paths;
  std::string out, on_bad_file = "skip";
  Int batch = 16;
};

struct Answers {
  std::vector<std::string> files;
  std::vector<std::vector<double>> probabilities;
  Int bad = 0;
};

Answers answer(const Flags& flags, const Model& model) {
  const Int size = model.options().image_size;
  Answers answers;
  std::vector<std::string> bad;
  std::vector<std::uint8_t> pixels;
  std::vector<std::string> waiting;
  const auto run_batch = [&] {
    if (waiting.empty()) return;
    const ImageSet set{size, size, pixels, {}};
    std::vector<Int> all;
    for (Int i = 0; i < set.size(); ++i) all.push_back(i);
    const std::vector<double> p = within_memory(set.size(), [&](Int n) {
      return model.predict(images_for(model, set, std::span(all).first(static_cast<std::size_t>(n))))
          .values();
    });
    for (const double value : p)
      expect(std::isfinite(value),
             "a probability is not a number; are the weights sound, the pixels as they want them?");
    const auto classes = static_cast<std::ptrdiff_t>(model.options().classes.size());
    for (auto row = p.begin(); row != p.end(); row += classes)
      answers.probabilities.emplace_back(row, row + classes);
    answers.files.insert(answers.files.end(), waiting.begin(), waiting.end());
    pixels.clear();
    waiting.clear();
  };
  for (const std::string& file : find_images(flags.paths)) {
    try {
      const Image image = resize_area(read_image(file), size, size);
      pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
      waiting.push_back(file);
    } catch (const Error& error) {
      bad.emplace_back(error.what());
      std::fprintf(stderr, "sonograd: %s\n", error.what());
    }
    if (static_cast<Int>(waiting.size()) == flags.batch) run_batch();
  }
  run_batch();
  answers.bad = static_cast<Int>(bad.size());
  if (answers.bad > 0 && flags.on_bad_file == "fail")
    throw Error("{} of the images cannot be read; nothing was written", answers.bad);
  return answers;
}

std::string csv(const Answers& answers, const std::vector<std::string>& classes) {
  Table table{{"file"}, {}};
  table.header.insert(table.header.end(), classes.begin(), classes.end());
  for (std::size_t i = 0; i < answers.files.size(); ++i) {
    table.rows.push_back({answers.files[i]});
    for (const double p : answers.probabilities[i]) table.rows.back().push_back(significant(p));
  }
  return table.csv();
}

int run(const Flags& flags, const SharedFlags& shared) {
  const Device device = prepare_device(shared);
  const Model model = open_model(flags.model, shared, device);
  const Answers answers = answer(flags, model);
  const std::vector<std::string>& classes = model.options().classes;
  if (shared.json) {
    auto rows = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < answers.files.size(); ++i)
      rows.push_back({{"file", answers.files[i]}, {"probabilities", answers.probabilities[i]}});
    print_json(
        nlohmann::ordered_json{{"classes", classes}, {"predictions", rows}, {"unreadable", answers.bad}});
  }
  if (answers.files.empty()) return 1;  // a table without rows would look like an answer
  if (!flags.out.empty())
    write_file_atomically(flags.out, csv(answers, classes));
  else if (!shared.json)
    fmt::print("{}", csv(answers, classes));
  return answers.bad > 0 ? 1 : 0;
}

}  // namespace

void add_predict(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command =
      program.add("predict",
                  "The probability of each class for images or folders of images, as CSV; exit status 1 "
                  "if one cannot be read",
                  "  sonograd predict --weights run/best.safetensors --out answers.csv image.png folder/\n"
                  "  sonograd predict --model aeganb3 --weights aeganb3.weights.h5 scan.png",
                  [flags, &program] { return run(*flags, program.shared); });
  add_model_flags(command, flags->model);
  command.get_option("--weights").required();
  command.add_option("--batch", flags->batch, "images at once").check(positive()).capture_default_str();
  command.add_option("--out", flags->out, "CSV file; left out: stdout");
  command.add_option("--on-bad-file", flags->on_bad_file, "skip, or fail before anything is written")
      .check(one_of({"fail", "skip"}))
      .capture_default_str();
  command.add_option("paths", flags->paths, "images or folders").required();
  hide_flags(command, {"--batch-norm", "--attention", "--quiet"});
}

}  // namespace sonograd

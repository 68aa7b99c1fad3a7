#include "apps/model_flags.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/text.h"
#include "models/model_file.h"
#include "models/pixel_range.h"
#include "models/weights/element_type.h"
#include "models/weights/keras_structure.h"
#include "models/zoo.h"

namespace sonograd {
namespace {

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ","));
}

// The flags and the file must not say different things.
void check_fact(const WeightFile& file, const std::string& key, const std::string& flag,
                const std::string& said) {
  const auto fact = file.facts.find(key);
  if (said.empty() || fact == file.facts.end()) return;
  expect(fact->second == said, "{} says {} {}, but {} is {}; leave the flag out, or choose another file",
         file.path.string(), key, fact->second, flag, said);
}

void check_input(const ModelFlags& flags, const WeightFile& file) {
  if (file.format == WeightFormat::safetensors) check_fact(file, "input", "--input", flags.input);
}

// notebook, weights: what these words mean for a model.
Preprocess preprocess_asked(const ModelFlags& flags, const std::string& model) {
  const ZooEntry& entry = zoo_entry(model);
  return flags.preprocess == "weights" ? entry.weights : entry.notebook;
}

void check_preprocess(const ModelFlags& flags, const WeightFile& file) {
  const auto model = file.facts.find("model");
  if (flags.preprocess.empty() || model == file.facts.end()) return;
  check_fact(file, "preprocess", "--preprocess " + flags.preprocess,
             std::string(name_of(preprocess_asked(flags, model->second))));
}

void warn_of_pixels(const Model& model, const WeightFile& file, Filled filled) {
  const auto trained = trained_with(model, file.facts, filled);
  const Preprocess fed = model.options().preprocess;
  if (!trained || *trained == fed) return;
  std::fprintf(stderr,
               "sonograd: warning: %s seems trained on pixels preprocessed as %s, but gets them as %s; see "
               "--preprocess\n",
               file.path.string().c_str(), std::string(name_of(*trained)).c_str(),
               std::string(name_of(fed)).c_str());
}

void check_flags(const ModelFlags& flags, const SharedFlags& shared, const WeightFile& file) {
  const auto said = [](Int number) { return number == 0 ? "" : std::to_string(number); };
  check_fact(file, "model", "--model", flags.name);
  check_fact(file, "classes", "--classes", joined(flags.classes));
  check_fact(file, "image_size", "--image-size", said(flags.image_size));
  check_fact(file, "pooling", "--pooling", flags.pooling);
  check_fact(file, "keras", "--keras", said(shared.keras));
  check_input(flags, file);
  check_preprocess(flags, file);
}

ModelOptions options_of(const ModelFlags& flags, const SharedFlags& shared, const std::string& protocol,
                        const std::optional<WeightFile>& file) {
  ModelOptions options;
  options.name.clear();
  if (file) options = options_with_facts(options, file->facts, file->path);
  if (shared.keras != 0 || protocol == "paper") options.keras = shared.keras == 3 ? Keras::v3 : Keras::v2;
  if (!flags.name.empty()) options.name = flags.name;
  if (!flags.classes.empty()) options.classes = flags.classes;
  if (flags.image_size != 0) options.image_size = flags.image_size;
  if (!flags.input.empty())
    options.input = flags.input == "imagenet" ? InputForm::imagenet : InputForm::plain;
  if (options.name.empty())
    throw UsageError("which model? {}give --model: {}", file ? "the weights do not say, so " : "",
                     fmt::join(model_names(), ", "));
  const bool pooling_told = file && file->facts.count("pooling") > 0;
  if (!flags.pooling.empty())
    options.pooling = pooling_named(flags.pooling);
  else if (!pooling_told && protocol == "paper")
    options.pooling = zoo_entry(options.name).notebook_pooling.value_or(Pooling::average);
  if (!flags.preprocess.empty()) options.preprocess = preprocess_asked(flags, options.name);
  return options;
}

// The size that pictures were trained at is told by files of ours, .npz excepted; another gives other
// answers.
void warn_of_size(const ModelFlags& flags, const WeightFile& file, const Model& model) {
  if (flags.image_size != 0 || file.facts.count("image_size")) return;
  std::fprintf(stderr,
               "sonograd: warning: %s does not tell its image size, which is taken as %s; see --image-size\n",
               flags.weights.c_str(), std::to_string(model.options().image_size).c_str());
}

// Class names are this program's to print, not the file's to know, unless a model of ours wrote it.
void warn_of_classes(const ModelFlags& flags, const WeightFile& file, const Model& model) {
  if (!flags.classes.empty() || file.facts.count("classes")) return;
  std::fprintf(stderr,
               "sonograd: warning: %s does not name its classes; they are taken as %s, in this order; see "
               "--classes\n",
               flags.weights.c_str(), joined(model.options().classes).c_str());
}

// Leaves the base, as of a file that never had a head, whatever head it is.
void leave_head_out(WeightFile& file, const Model& model) {
  const Slots slots = slots_of(model);
  const auto base_end = slots.begin() + static_cast<std::ptrdiff_t>(model.base_parameters());
  const auto is_head = [&](const StoredTensor& tensor) {
    return std::none_of(slots.begin(), base_end, [&](const Slot& slot) { return slot.name == tensor.name; });
  };
  for (const StoredTensor& tensor : file.tensors)
    if (is_head(tensor)) file.left_out.push_back(fmt::format("{} {}", tensor.name, tensor.shape.text()));
  file.tensors.erase(std::remove_if(file.tensors.begin(), file.tensors.end(), is_head), file.tensors.end());
}

// What was not taken of the weights, or not as it lies there.
void tell(const ModelFlags& flags, const Loaded& loaded, const Model& model) {
  Match match = loaded.match;
  for (const std::string& positions : match.resized)
    fmt::print(stderr, "{}: {} as vit-keras does, linearly\n", flags.weights, positions);
  if (loaded.filled == Filled::base) {
    match.missing.clear();
    const Preprocess pixels = model.options().preprocess;
    fmt::print(
        stderr, "{} holds a base ({} tensors{}): the head of {} starts fresh{}\n", flags.weights,
        match.mapped.size(), rest_text(match), model.options().name,
        pixels == Preprocess::raw ? "" : fmt::format(", pixels are preprocessed as {}", name_of(pixels)));
    return;
  }
  if (flags.partial)
    fmt::print(stderr, "{}: {} of {} tensors taken{}\n", flags.weights, match.mapped.size(),
               model.parameters().size(), rest_text(match));
}

}  // namespace

WeightFile read_classifier(const std::string& path) {
  WeightFile file = read_weights(path);
  const auto format = file.facts.find("format");
  if (format == file.facts.end() || !format->second.starts_with("sonograd ")) return file;
  const std::string words = format->second;  // sonograd generator 1
  const auto begin = words.find(' ') + 1;
  throw Error(
      "{} holds a {}, which is no classifier; give weights that `train` wrote, such as best.safetensors",
      path, printable(words.substr(begin, words.rfind(' ') - begin)));
}

void add_model_flags(const Command& command, ModelFlags& flags) {
  command.add_option("--model", flags.name, "model; may be left out where the weights name it");
  command.add_option("--weights", flags.weights, "weight file, told by content: " + weight_suffixes());
  command
      .add_option("--image-size", flags.image_size,
                  "height and width in pixels; default the weights', else 224")
      .check(positive());
  command.add_option("--classes", flags.classes, "class names in the order of their codes")
      .delimiter(',')
      .check(class_name());
  command
      .add_option("--input", flags.input,
                  "form of the input scaling: imagenet or plain; default as the weights tell")
      .check(one_of({"imagenet", "plain"}));
  command
      .add_option(
          "--pooling", flags.pooling,
          "avg or max, under a pooled head; default the weights', else the notebook's with --protocol "
          "paper (see `sonograd zoo`), else avg")
      .check(one_of({"avg", "max"}));
  command
      .add_option(
          "--preprocess", flags.preprocess,
          "notebook: pixels as the paper's notebook feeds them, 0 to 255; weights: as the model's "
          "official weights were trained (see `sonograd zoo`); default what the weights' file records, "
          "else `weights` where train starts from a base without --protocol paper, else notebook")
      .check(one_of({"notebook", "weights"}));
  command.add_flag("--partial", flags.partial, "take what fits of the weights and list the rest");
}

Model open_model(const ModelFlags& flags, const SharedFlags& shared, Device device,
                 const std::string& protocol) {
  std::optional<WeightFile> file;
  if (!flags.weights.empty()) {
    file = read_classifier(flags.weights);
    check_flags(flags, shared, *file);
    to_our_names(*file, make_model(options_of(flags, shared, protocol, file)));
    check_input(flags, *file);
  }
  Model model = make_model(options_of(flags, shared, protocol, file));
  if (!file || flags.partial)
    model.initialise(Random(shared.seed), DType::f32, device);
  else
    model.allocate(DType::f32, device);
  if (file) {
    const Loaded loaded = load_values(model, *file, flags.partial ? Extent::partial : Extent::whole);
    tell(flags, loaded, model);
    warn_of_pixels(model, *file, loaded.filled);
    warn_of_classes(flags, *file, model);
    if (loaded.filled != Filled::base) warn_of_size(flags, *file, model);
  }
  return model;
}

Model open_model_to_train(const ModelFlags& flags, const SharedFlags& shared, Device device,
                          const std::string& protocol, const std::vector<std::string>& classes) {
  ModelFlags with_classes = flags;
  with_classes.classes = classes;
  if (flags.weights.empty()) return open_model(with_classes, shared, device, protocol);

  WeightFile file = read_classifier(flags.weights);
  const auto fact = file.facts.find("classes");
  const std::string trained_for = fact == file.facts.end() ? "" : fact->second;
  expect(flags.fresh_head || trained_for.empty() || trained_for == joined(classes),
         "{} was trained for {}, the data has {}; add --fresh-head to keep its base alone", flags.weights,
         trained_for, joined(classes));
  if (flags.fresh_head)  // what the file says of its own head
    for (const char* key : {"classes", "pooling", ends_in}) file.facts.erase(key);
  const Model described = make_model(options_of(with_classes, shared, protocol, file));
  to_our_names(file, described);
  if (flags.fresh_head) leave_head_out(file, described);
  check_input(flags, file);
  Model model = make_model(options_of(with_classes, shared, protocol, file));
  model.initialise(Random(shared.seed), DType::f32, device);
  const Loaded loaded = load_values(model, file, flags.partial ? Extent::partial : Extent::whole_or_base);
  // A base carries the facts of the model that it was cut from; the model that trains on it is the flags' to
  // describe.
  if (loaded.filled == Filled::whole) check_flags(flags, shared, file);
  if (loaded.filled == Filled::base && flags.preprocess.empty())
    model.set_preprocess(protocol == "paper" ? zoo_entry(model.options().name).notebook
                                             : *trained_with(model, file.facts, loaded.filled));
  tell(flags, loaded, model);
  warn_of_pixels(model, file, loaded.filled);
  if (loaded.filled == Filled::whole && trained_for.empty())
    std::fprintf(stderr,
                 "sonograd: warning: %s does not name its classes; its head goes on as that of %s, in this "
                 "order; --fresh-head begins a new one\n",
                 flags.weights.c_str(), joined(classes).c_str());
  return model;
}

}  // namespace sonograd

#include "models/zoo.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "layers/dense.h"
#include "models/densenet.h"
#include "models/efficientnet.h"
#include "models/heads.h"
#include "models/vit.h"
#include "models/xception.h"

namespace sonograd {
namespace {

using Build = Model (*)(const ModelOptions&);
struct Known {
  const char* name;
  Build build;
};

Int class_count(const ModelOptions& o) {
  return static_cast<Int>(o.classes.size());
}

Model pooled(const ModelOptions& o, Backbone base) {
  return {o, std::move(base.layers), pooled_head(base.channels, class_count(o), o.pooling)};
}

template <int B>
Model efficientnet_model(const ModelOptions& o) {
  return pooled(o, efficientnet(efficientnet_size(B), o.input));
}

template <int depth>
Model densenet_model(const ModelOptions& o) {
  return pooled(o, densenet(depth));
}

Model xception_model(const ModelOptions& o) {
  return pooled(o, xception());
}

template <const VitSize& size>
Model vit_model(const ModelOptions& o) {
  Backbone base = vit(size, o.image_size, o.keras);
  Chain head;
  head.add("dense", dense(base.channels, class_count(o)));
  return {o, std::move(base.layers), std::move(head), vit_grid(size, o.image_size)};
}

template <int B, bool attention>
Model paper_model(const ModelOptions& o) {
  Backbone base = efficientnet(efficientnet_size(B), o.input);
  return {o, std::move(base.layers),
          paper_head(base.channels, class_count(o), {.attention = attention}, o.keras)};
}

// The proposed model's parts in small, for tests.
Model mini_model(const ModelOptions& o) {
  Backbone base = efficientnet(
      {.stages = {{1, 3, 1, 8, 1}, {4, 3, 2, 16, 2}, {4, 5, 2, 24, 2}}, .stem = 8, .top = 64}, o.input);
  return {o, std::move(base.layers),
          paper_head(base.channels, class_count(o), {.heads = 2, .head_size = 16, .hidden = 32}, o.keras)};
}

const std::vector<Known>& known() {
  static const std::vector<Known> list{
      {"aeganb3", paper_model<3, true>},
      {"aeganb3_noattention", paper_model<3, false>},
      {"aeganb0", paper_model<0, true>},
      {"efficientnetb0", efficientnet_model<0>},
      {"efficientnetb1", efficientnet_model<1>},
      {"efficientnetb2", efficientnet_model<2>},
      {"efficientnetb3", efficientnet_model<3>},
      {"efficientnetb4", efficientnet_model<4>},
      {"efficientnetb5", efficientnet_model<5>},
      {"efficientnetb6", efficientnet_model<6>},
      {"efficientnetb7", efficientnet_model<7>},
      {"densenet121", densenet_model<121>},
      {"densenet169", densenet_model<169>},
      {"densenet201", densenet_model<201>},
      {"xception", xception_model},
      {"vit_s16", vit_model<vit_s16>},
      {"vit_b16", vit_model<vit_b16>},
      {"vit_b32", vit_model<vit_b32>},
      {"mini", mini_model},
  };
  return list;
}

// The facts of every known model, in the order of known().
std::vector<ZooEntry> read_entries() {
  std::vector<ZooEntry> found, list;
  for (const EmbeddedFamily& family : embedded_families())
    for (ZooEntry& entry : parse_family(family.name, family.json)) found.push_back(std::move(entry));
  for (const Known& model : known()) {
    const auto entry = std::find_if(found.begin(), found.end(),
                                    [&](const ZooEntry& candidate) { return candidate.name == model.name; });
    expect(entry != found.end(), "models/zoo says nothing of {}", model.name);
    list.push_back(*entry);
  }
  return list;
}

}  // namespace

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = read_entries();
  return entries;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const ZooEntry& entry : zoo()) names.push_back(entry.name);
  return names;
}

const ZooEntry& zoo_entry(const std::string& name) {
  const auto found =
      std::find_if(zoo().begin(), zoo().end(), [&](const ZooEntry& entry) { return entry.name == name; });
  if (found != zoo().end()) return *found;
  throw UsageError("no model is called {}; known are {}{}", name, fmt::join(model_names(), ", "),
                   did_you_mean(name, model_names()));
}

Model make_model(const ModelOptions& options) {
  const ZooEntry& entry = zoo_entry(options.name);
  if (options.image_size < entry.smallest_image)
    throw UsageError("{}: image size {} is too small, the least is {}", options.name, options.image_size,
                     entry.smallest_image);
  expect(options.classes.size() >= 2, "{}: a classifier needs at least two classes, got {}", options.name,
         options.classes.size());
  for (std::size_t i = 1; i < options.classes.size(); ++i) {
    const auto before = options.classes.begin() + static_cast<std::ptrdiff_t>(i);
    expect(std::find(options.classes.begin(), before, *before) == before, "the class {} is named twice",
           *before);
  }
  const auto model = std::find_if(known().begin(), known().end(),
                                  [&](const Known& one) { return one.name == options.name; });
  return model->build(options);  // it is there, as zoo_entry has found it
}

}  // namespace sonograd

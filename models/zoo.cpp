#include "models/zoo.h"

#include <algorithm>

#include "layers/dense.h"
#include "models/aeganb3.h"
#include "models/densenet.h"
#include "models/vit.h"
#include "models/xception.h"

namespace sonograd {
namespace {

using Build = Model (*)(const ModelOptions&);
struct Known {
  ZooEntry entry;
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
Model attention_model(const ModelOptions& o) {
  Backbone base = efficientnet(efficientnet_size(B), o.input);
  return {o, std::move(base.layers),
          attention_head(base.channels, class_count(o), {.attention = attention}, o.keras)};
}

// The proposed model's parts in small, for tests.
Model mini_model(const ModelOptions& o) {
  Backbone base = efficientnet(
      {.stages = {{1, 3, 1, 8, 1}, {4, 3, 2, 16, 2}, {4, 5, 2, 24, 2}}, .stem = 8, .top = 64}, o.input);
  return {
      o, std::move(base.layers),
      attention_head(base.channels, class_count(o), {.heads = 2, .head_size = 16, .hidden = 32}, o.keras)};
}

const std::vector<Known>& known() {
  static const std::vector<Known> list{
      {{"aeganb3", "EfficientNetB3 + multi-head attention, the paper's proposed model", 32, 36763954},
       attention_model<3, true>},
      {{"aeganb3_noattention", "the proposed model less its attention layer (Table IV)", 32, 11584306},
       attention_model<3, false>},
      {{"aeganb0", "EfficientNetB0 under the proposed model's head, for quick runs", 32, 0},
       attention_model<0, true>},
      {{"efficientnetb0", "EfficientNetB0, pooled features, softmax head", 32, 0}, efficientnet_model<0>},
      {{"efficientnetb1", "EfficientNetB1, pooled features, softmax head", 32, 0}, efficientnet_model<1>},
      {{"efficientnetb2", "EfficientNetB2, pooled features, softmax head", 32, 0}, efficientnet_model<2>},
      {{"efficientnetb3", "EfficientNetB3, pooled features, softmax head", 32, 10788146},
       efficientnet_model<3>},
      {{"efficientnetb4", "EfficientNetB4, pooled features, softmax head", 32, 0}, efficientnet_model<4>},
      {{"efficientnetb5", "EfficientNetB5, pooled features, softmax head", 32, 0}, efficientnet_model<5>},
      {{"efficientnetb6", "EfficientNetB6, pooled features, softmax head", 32, 0}, efficientnet_model<6>},
      {{"efficientnetb7", "EfficientNetB7, pooled features, softmax head", 32, 0}, efficientnet_model<7>},
      {{"densenet121", "DenseNet121, pooled features, softmax head", 32, 0}, densenet_model<121>},
      {{"densenet169", "DenseNet169, pooled features, softmax head", 32, 12647875}, densenet_model<169>},
      {{"densenet201", "DenseNet201, pooled features, softmax head", 32, 0}, densenet_model<201>},
      {{"xception", "Xception, pooled features, softmax head", 71, 20867627}, xception_model},
      {{"vit_s16", "ViT-S/16, class token, softmax head", 16, 0}, vit_model<vit_s16>},
      {{"vit_b16", "ViT-B/16, class token, softmax head", 16, 85800963}, vit_model<vit_b16>},
      {{"vit_b32", "ViT-B/32, class token, softmax head", 32, 87457539}, vit_model<vit_b32>},
      {{"mini", "the proposed model's parts in small, for tests", 16, 0}, mini_model},
  };
  return list;
}

}  // namespace

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = [] {
    std::vector<ZooEntry> list;
    for (const Known& model : known()) list.push_back(model.entry);
    return list;
  }();
  return entries;
}

Model make_model(const ModelOptions& options) {
  const auto found = std::find_if(known().begin(), known().end(),
                                  [&](const Known& model) { return model.entry.name == options.name; });
  if (found == known().end()) {
    std::string names;
    for (const ZooEntry& entry : zoo()) names += (names.empty() ? "" : ", ") + entry.name;
    throw UsageError("no model is called {}; known are {}", options.name, names);
  }
  expect(options.image_size >= found->entry.smallest_image, "{}: image size {} is too small, the least is {}",
         options.name, options.image_size, found->entry.smallest_image);
  expect(options.classes.size() >= 2, "{}: a classifier needs at least two classes, got {}", options.name,
         options.classes.size());
  return found->build(options);
}

}  // namespace sonograd

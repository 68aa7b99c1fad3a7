#include "train/settings.h"

#include "data/sha256.h"
#include "tensor/gpu/policy.h"
#include "train/checkpoint.h"

namespace sonograd {
namespace {

// Of the values that the model has now, which a run starts from.
std::string weights_hash(const Model& model) {
  std::string hashes;
  for (const auto& [name, parameter] : model.parameters()) {
    const Tensor value = parameter->value.to(Device::cpu).as_dense();
    hashes += with_type(value.dtype(), [&](auto zero) {
      const auto* const data = value.data<decltype(zero)>();
      return sha256(
          {reinterpret_cast<const char*>(data), static_cast<std::size_t>(value.elements()) * sizeof(zero)});
    });
  }
  return sha256(hashes).substr(0, 16);
}

}  // namespace

std::string settings_of(const Model& model, const FitData& data, const std::vector<PhasePlan>& plan,
                        const FitOptions& o) {
  std::string pictures;
  for (const std::vector<Int>* part : {&data.train, &data.validation})
    for (const Int i : *part)
      pictures += fmt::format("{} {}\n", data.images.content[static_cast<std::size_t>(i)],
                              data.labels[static_cast<std::size_t>(i)]);
  const ModelOptions& m = model.options();
  std::string text = fmt::format(
      "classes {}; images of {} x {}; input {}; pooling {}; preprocess {}; {} to train and {} to validate, "
      "{}; seed {}; "
      "batch {}; patience {}; clip {:.9g}; accumulate {}; schedule {}; optimizer {}; dropout {}; jitter {}; "
      "flip {}; keras {}; norm momentum {:.9g}; stop when perfect {}; transfer {}; momentum {:.9g}; split "
      "{}; "
      "starting weights {}",
      fmt::join(m.classes, ","), data.images.height, data.images.width, name_of(m.input), name_of(m.pooling),
      name_of(m.preprocess), data.train.size(), data.validation.size(), sha256(pictures).substr(0, 16),
      o.seed, o.batch, o.patience, o.clip_norm.value_or(0), o.accumulate, name_of(o.schedule),
      name_of(o.optimizer), o.dropout, o.augmentation.jitter, o.augmentation.flip, static_cast<int>(m.keras),
      o.norm_momentum.value_or(0), o.stop_when_perfect, name_of(o.transfer), o.momentum,
      o.split.substr(0, 16), weights_hash(model));
  text += fmt::format("; dtype {}", name_of(o.precision));
  if (gpu::policy().tf32) text += "; tf32";
  if (!gpu::policy().deterministic) text += "; sums in any order";
  if (gpu::policy().cudnn_batch_norm) text += "; batch norms by cuDNN";
  if (gpu::policy().cudnn_attention) text += "; attention by cuDNN";
  if (model.parameters().front().parameter->value.device() == Device::gpu) text += "; on a gpu";
  for (const double weight : o.class_weights) text += fmt::format("; class weight {:.9g}", weight);
  for (const PhasePlan& phase : plan)
    text += fmt::format("; {} at {:.9g}, {} epochs", name_of(phase.phase), phase.learning_rate, phase.epochs);
  if (!o.group->alone())
    text += fmt::format("; processes {}; synchronised batch norms {}; device {}", o.group->size(),
                        o.sync_batch_norm, name_of(model.parameters().front().parameter->value.device()));
  return text;
}

void expect_in_all(Group& group, const std::string& settings) {
  std::string first = settings;
  group.broadcast(first);
  expect(settings == first,
         "this process would train otherwise than the first: it has {}, the first has {}; give all of them "
         "the same images, weights and flags",
         only_in(settings, first), only_in(first, settings));
}

}  // namespace sonograd

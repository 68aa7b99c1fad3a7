#include "train/evaluate.h"

#include <algorithm>

#include "ops/cross_entropy/cross_entropy.h"
#include "ops/softmax/softmax.h"
#include "tensor/out_of_memory.h"
#include "train/step.h"

namespace sonograd {

Tensor images_for(const Model& model, const ImageSet& images, std::span<const Int> indices) {
  return like_parameters(model, batch_of(images, indices));
}

namespace {

struct Answers {
  Int correct;
  std::vector<double> losses, probabilities;  // of each image, and [image][class]
};

Answers answer(const Model& model, const ImageSet& images, const std::vector<Int>& labels,
               std::span<const Int> part, const BaseFeatures* features) {
  std::vector<Int> truth;
  for (const Int i : part) truth.push_back(labels[static_cast<std::size_t>(i)]);
  Context context;
  const Tensor logits = features ? model.classify(features->of(part), context)
                                 : model.logits(images_for(model, images, part), context);
  const Tensor losses = softmax_cross_entropy(
      logits, one_hot_targets(truth, logits.size(1), {}, logits.dtype(), logits.device()));
  return {count_correct(logits, truth), losses.values(), softmax(logits).values()};
}

}  // namespace

Evaluation evaluate(const Model& model, const ImageSet& images, const std::vector<Int>& labels,
                    std::span<const Int> indices, Int batch, const BaseFeatures* features) {
  const NoGrad quiet;
  Evaluation result;
  double loss_sum = 0;
  for (std::size_t begin = 0; begin < indices.size(); begin += static_cast<std::size_t>(batch)) {
    const auto part =
        indices.subspan(begin, std::min(static_cast<std::size_t>(batch), indices.size() - begin));
    const Answers answers = within_memory(static_cast<Int>(part.size()), [&](Int n) {
      return answer(model, images, labels, part.first(static_cast<std::size_t>(n)), features);
    });
    for (const double loss : answers.losses) loss_sum += loss;
    result.correct += answers.correct;
    const std::vector<double>& p = answers.probabilities;
    const auto classes = static_cast<std::ptrdiff_t>(p.size() / part.size());
    for (auto row = p.begin(); row != p.end(); row += classes)
      result.probabilities.emplace_back(row, row + classes);
  }
  if (!indices.empty()) result.loss = loss_sum / static_cast<double>(indices.size());
  return result;
}

}  // namespace sonograd

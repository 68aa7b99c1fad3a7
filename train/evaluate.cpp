#include "train/evaluate.h"

#include <algorithm>

#include "ops/cross_entropy/cross_entropy.h"
#include "ops/softmax/softmax.h"
#include "train/step.h"

namespace sonograd {

Tensor images_for(const Model& model, const ImageSet& images, std::span<const Int> indices) {
  return like_parameters(model, batch_of(images, indices));
}

Evaluation evaluate(const Model& model, const ImageSet& images, const std::vector<Int>& labels,
                    std::span<const Int> indices, Int batch, const BaseFeatures* features) {
  const NoGrad quiet;
  Evaluation result;
  double loss_sum = 0;
  for (std::size_t begin = 0; begin < indices.size(); begin += static_cast<std::size_t>(batch)) {
    const auto part =
        indices.subspan(begin, std::min(static_cast<std::size_t>(batch), indices.size() - begin));
    std::vector<Int> truth;
    for (const Int i : part) truth.push_back(labels[static_cast<std::size_t>(i)]);

    Context context;
    const Tensor logits = features ? model.classify(features->of(part), context)
                                   : model.logits(images_for(model, images, part), context);
    const Tensor losses = softmax_cross_entropy(
        logits, one_hot_targets(truth, logits.size(1), {}, logits.dtype(), logits.device()));
    for (const double loss : losses.values()) loss_sum += loss;
    result.correct += count_correct(logits, truth);
    const std::vector<double> p = softmax(logits).values();
    for (auto row = p.begin(); row != p.end(); row += logits.size(1))
      result.probabilities.emplace_back(row, row + logits.size(1));
  }
  if (!indices.empty()) result.loss = loss_sum / static_cast<double>(indices.size());
  return result;
}

}  // namespace sonograd

#include "explain/attention_rollout.h"

namespace sonograd {

std::vector<double> attention_rollout(const Tensors& attentions, std::vector<double> reader, bool residual) {
  const std::size_t tokens = reader.size();
  for (auto layer = attentions.rbegin(); layer != attentions.rend(); ++layer) {
    expect(layer->rank() == 4 && layer->size(0) == 1 && layer->size(2) == static_cast<Int>(tokens) &&
               layer->size(3) == static_cast<Int>(tokens),
           "attention rollout takes probabilities [1, heads, {0}, {0}], got {1}", tokens,
           layer->shape().text());
    const std::vector<double> p = layer->values();
    const auto heads = static_cast<std::size_t>(layer->size(1));
    std::vector<double> read(tokens);
    for (std::size_t row = 0; row < heads * tokens; ++row)
      for (std::size_t j = 0; j < tokens; ++j)
        read[j] += reader[row % tokens] * p[row * tokens + j] / static_cast<double>(heads);
    for (std::size_t j = 0; residual && j < tokens; ++j) read[j] = (read[j] + reader[j]) / 2;
    reader = std::move(read);
  }
  return reader;
}

}  // namespace sonograd

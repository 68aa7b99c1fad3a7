#pragma once
#include <optional>
#include <string>
#include <vector>

#include "layers/chain.h"
#include "layers/input_scaling.h"
#include "layers/pooling.h"
#include "models/preprocess.h"

namespace sonograd {

// What a model is built from, and what its weight files record.
struct ModelOptions {
  std::string name = "aeganb3";
  std::vector<std::string> classes{"benign", "normal", "malignant"};
  Int image_size = 224;
  InputForm input = InputForm::plain;
  Pooling pooling = Pooling::average;
  Keras keras = Keras::v3;
  Preprocess preprocess = Preprocess::raw;  // logits() begins with it
};

template <class P>
struct Named {
  std::string name;  // block7a.project_conv.kernel; Keras' layer name with its first part as a path
  P* parameter;
};
using NamedParameter = Named<Parameter>;

// Where the layers of a model give sequences: their tokens, after a first one for the class, are the cells of
// this grid, row by row. `layer` is the one that heat maps read if no other is named.
struct TokenGrid {
  Int height, width;
  std::string layer;
};

// A classifier: images [n, height, width, 3] with pixels 0 … 255 to logits [n, classes].
class Model {
 public:
  Model(ModelOptions options, Chain base, Chain head, std::optional<TokenGrid> tokens = {});

  Tensor logits(const Tensor& images, Context& context) const;      // classify(features(images))
  Tensor features(const Tensor& images, Context& context) const;    // the base's output
  Tensor classify(const Tensor& features, Context& context) const;  // the head's
  Tensor predict(const Tensor& images) const;  // probabilities [n, classes], inference mode, nothing recorded

  const ModelOptions& options() const { return options_; }
  void set_preprocess(Preprocess how) { options_.preprocess = how; }
  const Layer& base() const { return base_; }
  const Layer& head() const { return head_; }
  const std::optional<TokenGrid>& tokens() const { return tokens_; }
  // In Keras' order: base, then head. Copies of a model share them.
  std::vector<NamedParameter> parameters();
  std::vector<Named<const Parameter>> parameters() const;
  std::size_t base_parameters() const { return base_count_; }  // how many of them are the base's

  void allocate(DType dtype, Device device);  // gives every parameter memory, values not yet set
  void initialise(const Random& random, DType dtype, Device device);
  void convert(DType dtype, Device device);

 private:
  ModelOptions options_;
  Layer base_, head_;
  std::optional<TokenGrid> tokens_;
  std::size_t base_count_ = 0;
};

Int count_elements(const std::vector<NamedParameter>& parameters, bool (*counts)(const Parameter&));

// Which parameters the paper's phases train: `transfer` the head alone; `finetune` all but the normalisation
// layers and what belongs to them; `scratch` everything. Frozen norms run in inference mode.
enum class TrainingPhase { scratch, transfer, finetune };
void freeze_for(Model& model, TrainingPhase phase);

}  // namespace sonograd

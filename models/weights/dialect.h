#pragma once
#include "models/weights/name_map.h"

namespace sonograd {

// The value of one of our tensors under a form of input scaling (imagenet, plain), where the scaling happens
// outside that program's model and no file holds it.
struct InputValues {
  std::string form, tensor;
  std::vector<double> numbers;

  Tensor value() const;  // a vector, or a scalar of one number
};

// How one program's files hold a model.
struct Dialect {
  std::string name;                  // keras3, legacy, timm, torchvision, jax
  NameMap rows;                      // a tensor that such files have no place for is left out
  std::vector<std::string> ignored;  // ends of names that stand for nothing of ours
  std::vector<std::string> head;     // beginnings of the names of a head that ours never has
  std::vector<InputValues> inputs;   // those of the form that is meant where the file does not say come first
};

// The dialects of a model's family, from models/names/, with the names of these parameters; none for a model
// of no family.
std::vector<Dialect> dialects(std::string_view model, const Slots& slots);

// One of them. Throws Error, naming those there are, where the model has no such dialect.
Dialect dialect_named(std::string_view name, std::string_view model, const Slots& slots);

// Gives the tensors of a file the names, and with them the axes, that they have in `model`, whose first
// `base` parameters are those before the head. Whose names the file has is told by which dialect of
// models/names/ knows most of them; tensors that it does not know keep theirs. Of another program's file,
// whose head has nothing that fits ours, the head is left out. A position embedding for another image size is
// interpolated (models/weights/positions.h).
void to_our_names(WeightFile& file, std::string_view model, const Slots& slots, std::size_t base);

// The other way: tensors of ours as a dialect's files hold them. `facts` tell the form of the input. Throws
// Error for a tensor that has no place there.
StoredTensors to_their_names(const StoredTensors& tensors, const Dialect& dialect, const Facts& facts);

}  // namespace sonograd

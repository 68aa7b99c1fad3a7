#pragma once
#include "models/weights/weight_file.h"

namespace sonograd {

// How a file's tensors fit a model's parameters.
struct Match {
  struct Pair {
    std::size_t tensor, slot;  // positions in file and model
  };
  std::vector<Pair> mapped;             // equal names and shapes, in the model's order
  std::vector<std::string> transposed;  // of these, the ones whose axes lie in another order in the file
  std::vector<std::string> unused;      // in the file alone
  std::vector<std::string> missing;     // in the model alone
  std::vector<std::string>
      mismatched;  // in both with different shapes: `name [file's shape] is [model's shape] here`
  std::vector<std::string> left_out;  // in the file alone: a head for other classes, by the file's names
  std::vector<std::string> resized;   // position embeddings: `name [file's shape] to [model's shape]`
};

Match match(const WeightFile& file, const Slots& slots);

// What a command takes as a fitting file.
enum class Extent {
  whole,          // every parameter once and nothing else
  whole_or_base,  // or exactly the parameters before the head
  partial,        // any that holds at least one of them
};

// How much of a model a file with this match fills: nothing where the extent does not allow it.
enum class Filled { nothing, base, whole, part };
Filled filled(const Match& match, const Slots& slots, std::size_t base, Extent extent);

// What a match leaves: `, 2 missing (dense.kernel, dense.bias), 1 unused (other)`; nothing where all fits.
std::string rest_text(const Match& match);

// The error line for a file that fills nothing: how many fit, which do not, what to do.
std::string mismatch_text(const WeightFile& file, const Match& match, std::string_view model,
                          std::size_t slots);

// Reads a file into a model whose first `base` parameters are those before the head. A value that is defined
// keeps its type and device (its elements are replaced, not written over); one that is not becomes f32 on the
// cpu. Throws Error, before anything is loaded, where the file does not fit; and, when some may be, for
// values that are not finite and variances below 0.
struct Loaded {
  Match match;
  Filled filled;
  Facts facts;
};
Loaded load_weights(WeightFile file, std::string_view model, const Slots& slots, std::size_t base,
                    Extent extent);

// The tensors of a file that fit, in the model's order and with its names: what a conversion writes. Throws
// for values as load_weights does.
StoredTensors in_model_order(const WeightFile& file, const Match& match, const Slots& slots);

}  // namespace sonograd

#include "models/weights/match.h"

#include <cmath>
#include <unordered_map>

#include "base/text.h"
#include "models/weights/dialect.h"
#include "models/weights/element_type.h"

namespace sonograd {
namespace {

// `, 20 missing (a, b, c, …)`: nothing for an empty list, and never a long line.
std::string first_few(const char* what, const std::vector<std::string>& names) {
  constexpr std::size_t shown = 3;
  if (names.empty()) return {};
  std::string text = fmt::format(", {} {} (", names.size(), what);
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) {
    const std::string name = printable(names[i]);
    text += (i ? ", " : "") + name.substr(1, name.size() - 2);  // without its quotes
  }
  return text + (names.size() > shown ? ", …)" : ")");
}

// Numbers that no training leaves behind: every answer would be one that is not finite.
void check_values(const std::filesystem::path& path, const std::string& name, const Tensor& value) {
  const bool variance = name.ends_with("variance");
  const Tensor dense = value.to(Device::cpu).as_dense();
  with_type(dense.dtype(), [&](auto zero) {
    const auto* const numbers = dense.data<decltype(zero)>();
    for (Int i = 0; i < dense.elements(); ++i)
      expect(std::isfinite(numbers[i]) && (!variance || numbers[i] >= 0),
             "{}: {} holds {}, which is no {}; the weights are not sound, take earlier ones", path.string(),
             name, numbers[i], variance ? "variance" : "finite number");
  });
}

}  // namespace

Match match(const WeightFile& file, const Slots& slots) {
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < file.tensors.size(); ++i) places[file.tensors[i].name] = i;
  Match result;
  result.left_out = file.left_out;
  result.resized = file.resized;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto found = places.find(slots[i].name);
    if (found == places.end()) {
      result.missing.push_back(slots[i].name);
      continue;
    }
    const StoredTensor& tensor = file.tensors[found->second];
    if (tensor.shape != slots[i].shape) {
      result.mismatched.push_back(
          fmt::format("{} {} is {} here", slots[i].name, tensor.shape.text(), slots[i].shape.text()));
    } else {
      result.mapped.push_back({found->second, i});
      if (tensor.transposed) result.transposed.push_back(tensor.name);
    }
    places.erase(found);
  }
  for (const StoredTensor& tensor : file.tensors)
    if (places.count(tensor.name)) result.unused.push_back(tensor.name);
  return result;
}

Filled filled(const Match& match, const Slots& slots, std::size_t base, Extent extent) {
  if (extent == Extent::partial && !match.mapped.empty())
    return match.mapped.size() == slots.size() ? Filled::whole : Filled::part;
  if (!match.unused.empty() || !match.mismatched.empty()) return Filled::nothing;
  if (match.missing.empty()) return Filled::whole;
  const bool base_alone = match.mapped.size() == base && base > 0 && match.mapped.back().slot == base - 1;
  return base_alone && extent == Extent::whole_or_base ? Filled::base : Filled::nothing;
}

std::string rest_text(const Match& match) {
  return first_few("missing", match.missing) + first_few("of another shape", match.mismatched) +
         first_few("unused", match.unused) + first_few("left out", match.left_out);
}

std::string mismatch_text(const WeightFile& file, const Match& match, std::string_view model,
                          std::size_t slots) {
  const auto named = file.facts.find("model");
  const bool other = named != file.facts.end() && named->second != model;
  return fmt::format("{}{} does not fit {}: {} of its {} tensors are there{}; give weights of this model{}",
                     file.path.string(), other ? fmt::format(" holds {} and", printable(named->second)) : "",
                     model, match.mapped.size(), slots, rest_text(match),
                     match.mapped.empty() ? "" : ", or take what fits with --partial");
}

Loaded load_weights(WeightFile file, std::string_view model, const Slots& slots, std::size_t base,
                    Extent extent) {
  to_our_names(file, model, slots, base);
  Loaded loaded{match(file, slots), Filled::nothing, file.facts};
  loaded.filled = filled(loaded.match, slots, base, extent);
  if (loaded.filled == Filled::nothing) throw Error(mismatch_text(file, loaded.match, model, slots.size()));
  for (const Match::Pair& pair : loaded.match.mapped) {
    const Slot& slot = slots[pair.slot];
    Tensor& value = *slot.value;
    const bool kept = value.defined();
    value = file.tensors[pair.tensor]
                .read()
                .to(kept ? value.dtype() : DType::f32)
                .to(kept ? value.device() : Device::cpu);
    check_values(file.path, slot.name, value);
  }
  return loaded;
}

StoredTensors in_model_order(const WeightFile& file, const Match& match, const Slots& slots) {
  StoredTensors tensors;
  for (const Match::Pair& pair : match.mapped) {
    tensors.push_back(file.tensors[pair.tensor]);
    tensors.back().name = slots[pair.slot].name;
    check_values(file.path, tensors.back().name, tensors.back().read());
  }
  return tensors;
}

}  // namespace sonograd

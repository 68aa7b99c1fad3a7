#include "models/weights/dialect.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "models/weights/positions.h"

namespace sonograd {
namespace {

using Places = std::unordered_map<std::string_view, std::size_t>;

Places places_of(const StoredTensors& tensors) {
  Places places;
  for (std::size_t i = 0; i < tensors.size(); ++i) places[tensors[i].name] = i;
  return places;
}

// The dialect that knows most of the file's tensors; none where our own names do.
std::optional<Dialect> dialect_of(const Places& places, std::string_view model, const Slots& slots) {
  const auto is_there = [&](const std::string& name) { return places.count(name) > 0; };
  auto most =
      std::count_if(slots.begin(), slots.end(), [&](const Slot& slot) { return is_there(slot.name); });
  if (most == static_cast<std::ptrdiff_t>(slots.size())) return {};
  std::optional<Dialect> best;
  for (Dialect& dialect : dialects(model, slots)) {
    const auto known = std::count_if(dialect.rows.begin(), dialect.rows.end(),
                                     [&](const NameRow& row) { return is_there(row.theirs); });
    if (known <= most) continue;
    most = known;
    best = std::move(dialect);
  }
  return best;
}

bool knows_all(const Dialect& dialect, const StoredTensors& tensors) {
  std::unordered_set<std::string_view> names;
  for (const NameRow& row : dialect.rows) names.insert(row.theirs);
  return std::all_of(tensors.begin(), tensors.end(), [&](const auto& t) { return names.count(t.name) > 0; });
}

// Legacy Keras files are read by position: what a layer without a name of its own is called depends on how
// many the program had made before.
Dialect by_position(const StoredTensors& tensors, const Slots& slots) {
  Dialect result{"legacy", {}, {}, {}, {}};
  for (std::size_t i = 0; i < std::min(tensors.size(), slots.size()); ++i)
    result.rows.push_back({slots[i].name, slots[i].shape, tensors[i].name, {}, {}});
  return result;
}

Tensor plus(const Tensor& value, double shift) {
  std::vector<double> values = value.values();
  for (double& v : values) v += shift;
  return Tensor::of(value.shape(), values, value.dtype());
}

// A file's tensor as the row tells; with its own shape where that is none that the row can be cut from.
StoredTensor as_ours(StoredTensor there, const NameRow& row) {
  there.name = row.name;
  Shape part = there.shape;
  if (row.parts > 1) {
    if (part.rank() == 0 || part[0] % row.parts != 0) return there;
    part[0] /= row.parts;
  }
  const int rank = part.rank();
  if (!row.axes.empty() && static_cast<int>(row.axes.size()) != rank) return there;
  if (row.flat && part.elements() != row.shape.elements()) return there;

  std::vector<int> from(static_cast<std::size_t>(rank));  // where each of our axes lies there
  for (int axis = 0; axis < rank; ++axis)
    from[static_cast<std::size_t>(axis)] =
        row.axes.empty() ? axis : static_cast<int>(row.axes.find("hwio"[4 - rank + axis]));
  Shape shape;
  for (const int axis : from) shape.push_back(part[axis]);
  StoredTensor here{row.name, row.flat ? row.shape : shape, there.type, {}, !row.axes.empty()};
  here.read = [read = std::move(there.read), row, part, from, shape, final = here.shape] {
    Tensor value = read();
    if (row.parts > 1) value = value.slice(0, row.part * part[0], (row.part + 1) * part[0]);
    Strides strides;
    for (const int axis : from) strides.push_back(value.strides()[axis]);
    value = value.view(0, shape, strides).as_dense().reshaped(final);
    return row.shift == 0 ? value : plus(value, -row.shift);
  };
  return here;
}

bool any_starts(const std::vector<std::string>& starts, std::string_view name) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](const auto& start) { return name.starts_with(start); });
}
bool any_ends(const std::vector<std::string>& ends, std::string_view name) {
  return std::any_of(ends.begin(), ends.end(), [&](const auto& end) { return name.ends_with(end); });
}

// A ViT's file may be for another image size.
void resize_positions(WeightFile& file, const Slots& slots) {
  for (const Slot& slot : slots) {
    if (!slot.name.ends_with(".pos_embedding")) continue;
    for (StoredTensor& tensor : file.tensors) {
      if (tensor.name != slot.name || !are_other_positions(tensor.shape, slot.shape)) continue;
      file.resized.push_back(fmt::format("{} {} to {}", slot.name, tensor.shape.text(), slot.shape.text()));
      tensor.shape = slot.shape;
      tensor.read = [read = std::move(tensor.read), shape = slot.shape] {
        return resized_positions(read(), shape);
      };
    }
  }
}

// Under our names, where another dialect's are known.
void translate(WeightFile& file, std::string_view model, const Slots& slots, std::size_t base) {
  if (!file.dialect.empty()) return;  // they are ours already
  const Places places = places_of(file.tensors);
  std::optional<Dialect> dialect = dialect_of(places, model, slots);
  if (file.format == WeightFormat::legacy_h5 && !(dialect && knows_all(*dialect, file.tensors)))
    dialect = by_position(file.tensors, slots);
  if (!dialect) return;

  std::unordered_set<std::string_view> head;
  for (std::size_t i = base; i < slots.size(); ++i) head.insert(slots[i].name);
  StoredTensors ours;
  std::unordered_set<std::size_t> taken, taken_for_head;
  bool head_fits = false;
  for (const NameRow& row : dialect->rows) {
    const auto found = places.find(row.theirs);
    if (found == places.end()) continue;
    taken.insert(found->second);
    ours.push_back(as_ours(file.tensors[found->second], row));
    if (!head.count(row.name)) continue;
    taken_for_head.insert(found->second);
    head_fits |= ours.back().shape == row.shape;
  }
  if (!head_fits)
    ours.erase(
        std::remove_if(ours.begin(), ours.end(), [&](const auto& t) { return head.count(t.name) > 0; }),
        ours.end());
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const StoredTensor& tensor = file.tensors[i];
    const bool known = taken.count(i) > 0;
    if (!head_fits && (taken_for_head.count(i) || (!known && any_starts(dialect->head, tensor.name))))
      file.left_out.push_back(fmt::format("{} {}", tensor.name, tensor.shape.text()));
    else if (!known && !any_ends(dialect->ignored, tensor.name))
      ours.push_back(tensor);
  }
  if (!dialect->inputs.empty()) {
    const std::string& form = file.facts.emplace("input", dialect->inputs.front().form).first->second;
    for (const InputValues& input : dialect->inputs)
      if (input.form == form) ours.push_back(stored(input.tensor, input.value()));
  }
  file.tensors = std::move(ours);
  file.dialect = dialect->name;
}

}  // namespace

void to_our_names(WeightFile& file, std::string_view model, const Slots& slots, std::size_t base) {
  translate(file, model, slots, base);
  resize_positions(file, slots);
}

}  // namespace sonograd

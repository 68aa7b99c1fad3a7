#include "base/text.h"
#include "models/weights/dialect.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "models/weights/element_type.h"

namespace sonograd {
namespace {

// Where each of their axes lies in ours.
std::vector<int> axes_of(const NameRow& row, int rank) {
  std::vector<int> axes;
  axes.reserve(static_cast<std::size_t>(rank));
  for (int axis = 0; axis < rank; ++axis)
    axes.push_back(row.axes.empty()
                       ? axis
                       : static_cast<int>(std::string_view("hwio").find(row.axes[axis])) - (4 - rank));
  return axes;
}

Tensor as_theirs(const Tensor& here, const NameRow& row) {
  Shape shape;
  Strides strides;
  for (const int axis : axes_of(row, here.rank())) {
    shape.push_back(here.size(axis));
    strides.push_back(here.strides()[axis]);
  }
  Tensor there = here.view(0, shape, strides).copy();
  if (row.shift == 0) return there;
  std::vector<double> values = there.values();
  for (double& value : values) value += row.shift;
  return Tensor::of(shape, values, there.dtype());
}

// A tensor of theirs from those of ours that are its parts, each with its row.
using Part = std::pair<StoredTensor, NameRow>;
StoredTensor joined(const std::vector<Part>& parts) {
  const auto& [first, row] = parts.front();
  Shape shape;
  for (const int axis : axes_of(row, first.shape.rank())) shape.push_back(first.shape[axis]);
  if (row.parts > 1) shape[0] *= row.parts;
  return {row.theirs, shape, first.type, [parts, shape] {
            if (parts.size() == 1) return as_theirs(parts.front().first.read(), parts.front().second);
            Tensor whole;
            for (const auto& [tensor, row] : parts) {
              const Tensor part = as_theirs(tensor.read(), row);
              if (!whole.defined()) whole = Tensor::empty(shape, part.dtype());
              whole.slice(0, row.part * part.size(0), (row.part + 1) * part.size(0)).assign(part);
            }
            return whole;
          }};
}

// Their files hold no scaling of the input: it must be one that goes without saying or that the facts name.
void check_input(const StoredTensor& tensor, const Dialect& dialect, const Facts& facts) {
  const auto said = facts.find("input");
  const std::string& form = said == facts.end() ? dialect.inputs.front().form : said->second;
  const std::vector<double> ours = tensor.read().values();
  for (const InputValues& input : dialect.inputs) {
    if (input.form != form || input.tensor != tensor.name || input.numbers.size() == 1) continue;
    for (std::size_t i = 0; i < input.numbers.size(); ++i)
      expect(
          ours.size() == input.numbers.size() && std::abs(ours[i] - input.numbers[i]) <= 1e-6,
          "{} is not that of the {} form, and {} has no place for it; train on a base of that form, or keep "
          "our names",
          tensor.name, form, dialect.name);
  }
}

}  // namespace

StoredTensors to_their_names(const StoredTensors& tensors, const Dialect& dialect, const Facts& facts) {
  std::unordered_map<std::string_view, const NameRow*> rows;
  for (const NameRow& row : dialect.rows) rows[row.name] = &row;
  std::vector<std::vector<Part>> groups;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const StoredTensor& tensor : tensors) {
    const auto row = rows.find(tensor.name);
    if (row == rows.end()) {
      const bool input = std::any_of(dialect.inputs.begin(), dialect.inputs.end(),
                                     [&](const InputValues& i) { return i.tensor == tensor.name; });
      expect(input, "{} has no place for tensor {}; keep our names", dialect.name, printable(tensor.name));
      check_input(tensor, dialect, facts);
      continue;
    }
    const auto [place, fresh] = places.emplace(row->second->theirs, groups.size());
    if (fresh) groups.emplace_back();
    groups[place->second].emplace_back(tensor, *row->second);
  }
  StoredTensors theirs;
  for (const auto& parts : groups) {
    const NameRow& row = parts.front().second;
    expect(static_cast<Int>(parts.size()) == row.parts, "{} needs all parts of {}, {} of {} are there",
           dialect.name, row.theirs, parts.size(), row.parts);
    theirs.push_back(joined(parts));
  }
  return theirs;
}

}  // namespace sonograd

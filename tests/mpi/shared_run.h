#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "models/zoo.h"
#include "tests/mpi/group.h"
#include "tests/temporary_folder.h"
#include "tests/tinted_pictures.h"
#include "train/fit.h"

// Short runs of a small model by several processes or by one, and how far apart they are.
namespace sonograd {

// 22 pictures, 13 of them to train on in batches of 5, 5 and 3: of four processes one has no picture of the
// last.
struct Data : TintedPictures {
  Data() : TintedPictures(22, 13, 16, 200, 20) {}
};

struct Case {
  std::string name;
  std::vector<PhasePlan> plan;
  FitOptions options = {};
  Keras keras = Keras::v3;
};

inline FitOptions options(const FitOptions& more, Group& group, bool sync) {
  FitOptions o = more;
  o.batch = 5;
  o.quiet = true;
  o.group = &group;
  o.sync_batch_norm = sync;
  return o;
}

using Values = std::vector<std::vector<double>>;  // by parameter

struct SharedRun {
  History history;
  Values values;
  LossScale scale = {};  // of a run in f16
};

// A run in a folder that all processes share, and that is there.
inline SharedRun train_in(const RunFolder& out, const Case& run, DType dtype, Device device, Group& group,
                          bool sync, bool recompute = false) {
  static const Data data;
  Model model = make_model({.name = "mini", .image_size = 16, .keras = run.keras});
  model.initialise(Random(3), dtype, device);
  FitOptions o = options(run.options, group, sync);
  o.recompute = recompute;
  SharedRun result;
  result.history =
      fit(model, {data.images, data.labels, data.train, data.validation}, run.plan, o, out,
          {.loss_scaled = [&](const PhasePlan&, const LossScale& scale) { result.scale = scale; }});
  for (const auto& [name, parameter] : model.parameters()) result.values.push_back(parameter->value.values());
  group.barrier();
  return result;
}

// The first process's folder for all.
inline RunFolder shared_folder(const TemporaryFolder& own, Group& group) {
  std::string folder = (own / "run").string();
  group.broadcast(folder);
  const RunFolder out = RunFolder::at(folder);
  if (group.leads()) out.make();
  return out;
}

inline SharedRun train(const Case& run, DType dtype, Device device, Group& group, bool sync,
                       bool recompute = false) {
  const TemporaryFolder own;
  return train_in(shared_folder(own, group), run, dtype, device, group, sync, recompute);
}

// The first process compares with a run of its own for all, who have what it has.
inline void check_same_in_all(const SharedRun& run) {
  std::vector<double> own{run.scale.value, static_cast<double>(run.scale.skipped)};
  for (const Epoch& e : run.history) own.insert(own.end(), {e.loss, e.accuracy, e.val_loss, e.val_accuracy});
  for (const auto& parameter : run.values) own.insert(own.end(), parameter.begin(), parameter.end());
  const Tensor first = Tensor::of({static_cast<Int>(own.size())}, own, DType::f64);
  test_group().broadcast(first);
  CHECK((first.values() == own));
}

inline double apart(double a, double b) {
  return std::abs(a - b) / std::max(1.0, std::abs(b));
}

// The largest difference of losses, relative above 1.
inline double losses_apart(const History& a, const History& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t e = 0; e < a.size(); ++e)
    largest = std::max({largest, apart(a[e].loss, b[e].loss), apart(a[e].val_loss, b[e].val_loss)});
  return largest;
}

inline double values_apart(const Values& a, const Values& b) {
  double largest = 0;
  for (std::size_t k = 0; k < a.size(); ++k)
    for (std::size_t i = 0; i < a[k].size(); ++i) largest = std::max(largest, apart(a[k][i], b[k][i]));
  return largest;
}

}  // namespace sonograd

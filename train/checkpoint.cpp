#include "train/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "models/weights/safetensors.h"
#include "train/step.h"

namespace sonograd {
namespace {

using Json = nlohmann::json;

// JSON has no infinities; before the first epoch the best values are infinite.
Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(value > 0 ? "inf" : value < 0 ? "-inf" : "nan");
}
double number(const Json& json) {
  if (!json.is_string()) return json.get<double>();
  const std::string text = json;
  expect(text == "inf" || text == "-inf" || text == "nan", "{} is no number", text);
  return text == "nan" ? NAN : text == "inf" ? INFINITY : -INFINITY;
}

Json to_json(const LossScale& s) {
  return {{"value", s.value}, {"good", s.good}, {"skipped", s.skipped}};
}

Json to_json(const Progression& s) {
  Json history = Json::array();
  for (const Epoch& e : s.history)
    history.push_back({e.phase, e.epoch, number(e.loss), number(e.accuracy), number(e.val_loss),
                       number(e.val_accuracy), e.seconds});
  return {{"phase", s.phase},
          {"epoch", s.epoch},
          {"position", s.position},
          {"step", s.step},
          {"loss_sum", s.loss_sum},
          {"seconds", s.seconds},
          {"correct", s.correct},
          {"stopping",
           {{"patience", s.stopping.patience},
            {"best", number(s.stopping.best)},
            {"best_epoch", s.stopping.best_epoch},
            {"wait", s.stopping.wait}}},
          {"best", {number(s.best.best), s.best.epoch}},
          {"loss_scale", s.loss_scale ? to_json(*s.loss_scale) : Json()},
          {"history", std::move(history)},
          {"stopped", s.stopped},
          {"finished", s.finished}};
}

Progression from_json(const Json& j) {
  Progression s;
  s.phase = j.at("phase");
  s.epoch = j.at("epoch");
  s.position = j.at("position");
  s.step = j.at("step");
  s.loss_sum = j.at("loss_sum");
  s.seconds = j.at("seconds");
  s.correct = j.at("correct");
  const Json& stopping = j.at("stopping");
  s.stopping = {stopping.at("patience"), number(stopping.at("best")), stopping.at("best_epoch"),
                stopping.at("wait")};
  s.best = {number(j.at("best").at(0)), j.at("best").at(1)};
  if (const Json scale = j.value("loss_scale", Json()); !scale.is_null())  // older ones are silent of it
    s.loss_scale = LossScale{scale.at("value"), scale.at("good"), scale.at("skipped")};
  for (const Json& e : j.at("history"))
    s.history.push_back(
        {e.at(0), e.at(1), number(e.at(2)), number(e.at(3)), number(e.at(4)), number(e.at(5)), e.at(6)});
  s.stopped = j.at("stopped");
  s.finished = j.at("finished");
  return s;
}

std::vector<std::string> items(const std::string& settings) {
  std::vector<std::string> list;
  std::size_t begin = 0;
  for (std::size_t end; (end = settings.find("; ", begin)) != std::string::npos; begin = end + 2)
    list.push_back(settings.substr(begin, end - begin));
  list.push_back(settings.substr(begin));
  return list;
}

// What a run's checkpoint says, its tensors still on the disk.
struct Checkpoint {
  WeightFile file;
  std::string model, settings;
  Progression state;
  Int optimizer_steps = 0;
};

Checkpoint open_checkpoint(const std::filesystem::path& path) {
  Checkpoint checkpoint{read_checkpoint(path), {}, {}, {}};
  const auto fact = [&](const std::string& key) {
    const auto found = checkpoint.file.facts.find(key);
    expect(found != checkpoint.file.facts.end(), "{} is no checkpoint, it lacks `{}`; {}", path.string(), key,
           cannot_go_on);
    return found->second;
  };
  checkpoint.model = fact("model");
  checkpoint.settings = fact("settings");
  const std::string state = fact("state"), steps = fact("optimizer_steps");
  try {
    checkpoint.state = from_json(Json::parse(state));
    checkpoint.optimizer_steps = Json::parse(steps);
  } catch (const std::exception&) {
    throw Error("{}: its training state is damaged; {}", path.string(), cannot_go_on);
  }
  return checkpoint;
}

}  // namespace

std::string only_in(const std::string& mine, const std::string& other) {
  const std::vector<std::string> there = items(other);
  std::string text;
  for (const std::string& item : items(mine))
    if (std::find(there.begin(), there.end(), item) == there.end()) text += (text.empty() ? "" : "; ") + item;
  return text.empty() ? "nothing else" : text;
}

void expect_same_settings(const std::filesystem::path& path, const std::string& mine,
                          const std::string& theirs) {
  expect(
      mine == theirs,
      "{} was written by a run with other settings; give those, or choose another folder; this run has {}, "
      "that run had {}",
      path.string(), only_in(mine, theirs), only_in(theirs, mine));
}

void save_checkpoint(const std::filesystem::path& path, Model& model, Optimizer& optimizer,
                     const Progression& state, const std::string& settings) {
  StoredTensors tensors;
  for (const auto& [name, parameter] : model.parameters())
    tensors.push_back(stored("weights." + name, parameter->value));
  for (const auto& [name, moment] : optimizer.state(trained_parameters(model)))
    tensors.push_back(stored(name, moment));
  write_safetensors(path, tensors,
                    {{"format", "sonograd checkpoint 1"},
                     {"model", model.options().name},
                     {"settings", settings},
                     {"state", to_json(state).dump()},
                     {"optimizer_steps", std::to_string(optimizer.steps)}});
}

WeightFile read_checkpoint(const std::filesystem::path& path) try {
  return read_weights(path);
} catch (const Error& error) {
  const std::string fault = error.what();
  throw Error("{}; {}", fault.substr(0, fault.find("; ")), cannot_go_on);
}

void check_checkpoint(const std::filesystem::path& path) {
  open_checkpoint(path);
}

Progression load_checkpoint(const std::filesystem::path& path, Model& model, const std::string& settings,
                            const std::function<Optimizer&(Int phase)>& prepare) {
  const Checkpoint checkpoint = open_checkpoint(path);
  const WeightFile& file = checkpoint.file;
  expect(checkpoint.model == model.options().name, "{} is a checkpoint of {}, not of {}", path.string(),
         checkpoint.model, model.options().name);
  expect_same_settings(path, settings, checkpoint.settings);
  std::map<std::string, const StoredTensor*> by_name;
  for (const StoredTensor& tensor : file.tensors) by_name.emplace(tensor.name, &tensor);
  const auto restore = [&](const std::string& name, Tensor& into) {
    const auto found = by_name.find(name);
    expect(found != by_name.end() && found->second->shape == into.shape(), "{} does not hold {} of shape {}",
           path.string(), name, into.shape().text());
    into.assign(found->second->read());
  };
  Optimizer& optimizer = prepare(checkpoint.state.phase);
  optimizer.steps = checkpoint.optimizer_steps;
  for (const auto& [name, parameter] : model.parameters()) restore("weights." + name, parameter->value);
  for (auto& [name, moment] : optimizer.state(trained_parameters(model))) restore(name, moment);
  return checkpoint.state;
}

}  // namespace sonograd

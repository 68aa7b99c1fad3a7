#include "apps/checks.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/nearest_name.h"
#include "layers/samples.h"
#include "models/check_model.h"
#include "models/zoo.h"
#include "report/progress.h"

namespace sonograd {
namespace {

CheckReport gradient_report(std::string name, std::string kind, const GradcheckResult& result) {
  return {std::move(name),
          std::move(kind),
          {{"gradient", result.max_error, result.tolerance, result.ok, result.text}}};
}

const LayerSample& layer_sample(const std::string& name) {
  static const std::vector<LayerSample> samples = layer_samples();
  for (const LayerSample& sample : samples)
    if (sample.name == name) return sample;
  throw UsageError("no layer sample is called {}; known are {}{}", name, fmt::join(layer_names(), ", "),
                   did_you_mean(name, layer_names()));
}

}  // namespace

bool CheckReport::ok() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& c) { return c.ok; });
}

const Check& CheckReport::headline() const {
  for (const Check& check : checks)
    if (!check.ok) return check;
  for (const Check& check : checks)
    if (check.what.rfind("gradient", 0) == 0) return check;
  const auto used = [](const Check& c) { return c.tolerance > 0 ? c.max_error / c.tolerance : -1; };
  return *std::max_element(checks.begin(), checks.end(),
                           [&](const Check& a, const Check& b) { return used(a) < used(b); });
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const auto& [name, op] : registry().ops()) names.push_back(name);
  return names;
}

std::vector<std::string> layer_names() {
  std::vector<std::string> names;
  for (const LayerSample& sample : layer_samples()) names.push_back(sample.name);
  return names;
}

CheckJob op_job(const std::string& name, bool f32, Device last) {
  if (registry().ops().count(name) == 0)
    throw UsageError("no op is called {}{}; `sonograd audit` lists them", name,
                     did_you_mean(name, op_names()));
  return {name, [name, f32, last] {
            static std::mutex one_at_a_time;
            const std::lock_guard lock(one_at_a_time);
            return CheckReport{name, "op", check_op(registry().at(name), f32, last)};
          }};
}

CheckJob layer_job(const std::string& name, bool f32) {
  const LayerSample& sample = layer_sample(name);
  return {name, [&sample, f32] { return gradient_report(sample.name, "layer", check_layer(sample, f32)); }};
}

CheckJob model_job(const std::string& name, bool f32) {
  return {zoo_entry(name).name,
          [name, f32] { return gradient_report(name, "model", check_model(name, f32)); }};
}

std::vector<CheckReport> run_checks(const std::vector<CheckJob>& jobs, int threads, bool quiet) {
  std::vector<CheckReport> reports(jobs.size());
  std::vector<std::string> errors(jobs.size());
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  Int done = 0;
  Progress progress("checks", static_cast<Int>(jobs.size()), quiet);
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size(); i = next++) {
      try {
        reports[i] = jobs[i].run();
      } catch (const std::exception& error) {
        errors[i] = error.what();
      }
      const std::lock_guard lock(mutex);
      progress.update(++done, 0, jobs[i].name);
    }
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
  progress.finish();
  for (std::size_t i = 0; i < jobs.size(); ++i) expect(errors[i].empty(), "{}: {}", jobs[i].name, errors[i]);
  return reports;
}

nlohmann::ordered_json json_of(const Check& check) {
  nlohmann::ordered_json json{{"check", check.what},
                              {"max_error", check.max_error},
                              {"tolerance", check.tolerance},
                              {"ok", check.ok}};
  if (!check.ok) json["text"] = check.text;
  return json;
}

}  // namespace sonograd

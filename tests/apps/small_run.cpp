#include "tests/apps/small_run.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "models/weights/weight_file.h"

namespace program {

SmallRun::SmallRun() {
  const Outcome made = program::run({"data", "phantom", data, "--count", "30", "--size", "48"});
  if (made.status != 0) throw std::runtime_error(made.err);
  training = program::run(small_training(run, {"--json"}));
}

Arguments SmallRun::small_training(const std::string& out, const Arguments& more) const {
  return with({"train", "--data", data, "--out", out, "--model", "mini", "--image-size", "32", "--batch", "4",
               "--epochs", "2", "--seed", "7", "--quiet"},
              more);
}

const SmallRun& small_run() {
  static const SmallRun only;
  return only;
}

std::uint32_t test_seed() {
  const char* const given = std::getenv("SONOGRAD_TEST_SEED");
  return given ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device{}();
}

long checkpoint_step(const std::filesystem::path& run) {
  const std::filesystem::path checkpoint = run / "checkpoint.safetensors";
  if (!std::filesystem::exists(checkpoint)) return -1;
  return nlohmann::json::parse(sonograd::read_weights(checkpoint).facts.at("state")).at("step");
}

std::map<std::string, std::vector<double>> values_of(const std::filesystem::path& weights) {
  std::map<std::string, std::vector<double>> values;
  for (const sonograd::StoredTensor& tensor : sonograd::read_weights(weights).tensors)
    values[tensor.name] = tensor.read().values();
  return values;
}

}  // namespace program

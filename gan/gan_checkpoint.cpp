#include "gan/gan_checkpoint.h"

#include <nlohmann/json.hpp>

#include "gan/generator_file.h"
#include "models/weights/safetensors.h"
#include "train/checkpoint.h"

namespace sonograd {
namespace {

using Json = nlohmann::json;

// The moments of both networks, with the network's name before theirs.
std::vector<std::pair<std::string, Tensor>> moments(Gan& gan) {
  std::vector<std::pair<std::string, Tensor>> all;
  for (const auto& [network, optimizer] : {std::pair{&gan.generator, &gan.generator_optimizer},
                                           {&gan.discriminator, &gan.discriminator_optimizer}})
    for (const auto& [name, moment] : optimizer->state(network->trained()))
      all.emplace_back(network->name() + "." + name, moment);
  return all;
}

}  // namespace

void save_gan_checkpoint(const std::filesystem::path& path, Gan& gan, const Network* average, Int step,
                         const std::string& settings) {
  StoredTensors tensors;
  const auto add = [&](const std::string& prefix, const Network& network) {
    for (const auto& [name, parameter] : network.parameters())
      tensors.push_back(stored(prefix + name, parameter->value));
  };
  add("generator.", gan.generator);
  add("discriminator.", gan.discriminator);
  if (average) add("average.", *average);
  for (const auto& [name, moment] : moments(gan)) tensors.push_back(stored(name, moment));
  const Json state{{"step", step},
                   {"generator_updates", gan.generator_optimizer.steps},
                   {"discriminator_updates", gan.discriminator_optimizer.steps}};
  write_safetensors(
      path, tensors,
      {{"format", "sonograd gan checkpoint 1"}, {"settings", settings}, {"state", state.dump()}});
}

Int load_gan_checkpoint(const std::filesystem::path& path, Gan& gan, const Network* average,
                        const std::string& settings) {
  const WeightFile file = read_checkpoint(path);
  const auto fact = [&](const std::string& key) {
    const auto found = file.facts.find(key);
    expect(found != file.facts.end(), "{} is no checkpoint of a GAN, it lacks `{}`; {}", path.string(), key,
           cannot_go_on);
    return found->second;
  };
  expect(fact("format") == "sonograd gan checkpoint 1", "{} is no checkpoint of a GAN; {}", path.string(),
         cannot_go_on);
  expect_same_settings(path, settings, fact("settings"));
  Int step = 0;
  try {
    const Json state = Json::parse(fact("state"));
    state.at("step").get_to(step);
    state.at("generator_updates").get_to(gan.generator_optimizer.steps);
    state.at("discriminator_updates").get_to(gan.discriminator_optimizer.steps);
  } catch (const nlohmann::json::exception&) {
    throw Error("{}: its training state is damaged; {}", path.string(), cannot_go_on);
  }
  restore(gan.generator, "generator.", file);
  restore(gan.discriminator, "discriminator.", file);
  if (average) restore(*average, "average.", file);
  for (auto& [name, moment] : moments(gan)) restore(moment, name, file);
  return step;
}

}  // namespace sonograd

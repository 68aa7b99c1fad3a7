#include "gan/generator_file.h"

#include <algorithm>

#include "models/weights/safetensors.h"
#include "report/table.h"

namespace sonograd {

void save_network(const std::filesystem::path& path, const Network& network, const DcganOptions& options,
                  Facts facts) {
  StoredTensors tensors;
  for (const auto& [name, parameter] : network.parameters())
    tensors.push_back(stored(name, parameter->value));
  facts["format"] = "sonograd " + network.name() + " 1";
  facts["image_size"] = std::to_string(options.image_size);
  facts["width"] = fmt::format("{}", options.width);
  facts["spectral_norm"] = options.spectral_norm ? "on" : "off";
  write_safetensors(path, tensors, facts);
}

TrainedGenerator load_generator(const std::filesystem::path& path, Device device) {
  const WeightFile file = read_weights(path);
  const auto fact = [&](const std::string& name) {
    const auto found = file.facts.find(name);
    return found == file.facts.end() ? "" : found->second;
  };
  expect(fact("format") == "sonograd generator 1", "{} is no generator of a GAN; give a run of `gan train`",
         path.string());
  DcganOptions options;
  options.image_size = parse_integer(fact("image_size"));
  options.width = parse_number(fact("width"));
  options.spectral_norm = fact("spectral_norm") == "on";
  TrainedGenerator trained{options, generator(options), file.facts};
  trained.network.initialise(Random(0), DType::f32, device);
  restore(trained.network, "", file);
  return trained;
}

void restore(Tensor& value, const std::string& name, const WeightFile& file) {
  const auto found = std::find_if(file.tensors.begin(), file.tensors.end(),
                                  [&](const StoredTensor& tensor) { return tensor.name == name; });
  expect(found != file.tensors.end() && found->shape == value.shape(), "{} does not hold {} of shape {}",
         file.path.string(), name, value.shape().text());
  value.assign(found->read());
}

void restore(const Network& network, const std::string& prefix, const WeightFile& file) {
  for (const auto& [name, parameter] : network.parameters()) restore(parameter->value, prefix + name, file);
}

}  // namespace sonograd

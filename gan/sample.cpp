#include "gan/sample.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/file.h"
#include "base/json_fault.h"
#include "data/png.h"
#include "data/sha256.h"
#include "gan/adversarial_step.h"
#include "gan/pictures.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr Int batch = 16;

DType type_of(const Network& network) {
  return network.parameters().front().parameter->value.dtype();
}
Device device_of(const Network& network) {
  return network.parameters().front().parameter->value.device();
}

bool is_sample(const std::string& name) {
  return name.rfind("gen_", 0) == 0 && fs::path(name).extension() == ".png";
}

}  // namespace

ImageSet sample_images(const Network& generator, std::uint64_t seed, Int first, Int count,
                       const std::function<void(Int done)>& progress) {
  ImageSet all;
  const Random random = Random(seed).stream("sample");
  const auto append = [&](const ImageSet& made, Int begin, Int end) {
    all.height = made.height;
    all.width = made.width;
    for (Int i = begin; i < end; ++i)
      all.pixels.insert(all.pixels.end(), made.image(i).begin(), made.image(i).end());
  };
  for (Int b = first / batch; b * batch < first + count; ++b) {
    const Tensor noise = latent_noise(batch, random.at(static_cast<std::uint64_t>(b)), type_of(generator),
                                      device_of(generator));
    append(to_bytes(generate(generator, noise)), std::max<Int>(first - b * batch, 0),
           std::min(first + count - b * batch, batch));
    if (progress) progress(all.size());
  }
  return all;
}

ImageSet interpolation(const Network& generator, const Random& random, Int steps) {
  const Tensor ends = latent_noise(2, random, DType::f64, Device::reference);
  const std::vector<double> z = ends.values();
  const auto from = z.begin(), to = z.begin() + latent_size;
  const double lengths =
      std::sqrt(std::inner_product(from, to, from, 0.0) * std::inner_product(to, z.end(), to, 0.0));
  const double angle = std::acos(std::inner_product(from, to, to, 0.0) / lengths);
  std::vector<double> path;
  for (Int k = 0; k < steps; ++k) {
    const double t = static_cast<double>(k) / static_cast<double>(steps - 1);
    for (Int i = 0; i < latent_size; ++i)
      path.push_back((std::sin((1 - t) * angle) * from[i] + std::sin(t * angle) * to[i]) / std::sin(angle));
  }
  return to_bytes(
      generate(generator, Tensor::of({steps, latent_size}, path, type_of(generator), device_of(generator))));
}

std::string lineage_json(const Lineage& lineage) {
  Json json{{"format", "sonograd lineage 1"}, {"class", lineage.class_name}};
  if (!lineage.images.empty()) {
    json["run"] = lineage.run;
    json["generator_sha256"] = lineage.generator_sha256;
    json["seed"] = lineage.seed;
  }
  json["ancestors"] = Json::array();
  for (const LabelledFile& file : lineage.ancestors)
    json["ancestors"].push_back({{"file", file.file}, {"sha256", file.sha256}});
  if (!lineage.images.empty()) json["images"] = Json::array();
  for (std::size_t i = 0; i < lineage.images.size(); ++i)
    json["images"].push_back(
        {{"file", lineage.images[i].file}, {"index", i}, {"sha256", lineage.images[i].sha256}});
  return json.dump(1) + "\n";
}

Lineage read_lineage(const fs::path& path) try {
  const Json json = Json::parse(read_file(path));
  Lineage lineage;
  lineage.class_name = json.at("class").get<std::string>();
  for (const Json& file : json.at("ancestors"))
    lineage.ancestors.push_back(
        {file.at("file").get<std::string>(), 0, file.at("sha256").get<std::string>()});
  return lineage;
} catch (const nlohmann::json::exception& error) {
  throw Error("{}: not the lineage of a GAN: {}; train the GAN again", path.string(), fault_of(error));
}

void check_samples_folder(const fs::path& folder) {
  check_folder(folder);
  if (!fs::exists(folder)) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    expect(is_sample(name) || entry.path().extension() == ".tmp",
           "{} already holds {}; choose an empty folder", folder.string(), name);
  }
}

void write_samples(const fs::path& folder, const ImageSet& pictures, Lineage lineage) {
  check_samples_folder(folder);
  make_folder(folder);
  for (const auto& entry : fs::directory_iterator(folder)) fs::remove(entry.path());
  for (Int i = 0; i < pictures.size(); ++i) {
    const std::string name = fmt::format("gen_{}.png", i);
    write_png_rgba(folder / name, pictures.height, pictures.width, pictures.image(i));
    lineage.images.push_back({name, 0, sha256(read_file(folder / name))});
  }
  write_file_atomically(folder / "lineage.json", lineage_json(lineage));
}

}  // namespace sonograd

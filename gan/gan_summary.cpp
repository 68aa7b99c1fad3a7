#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json_fault.h"
#include "gan/train_gan.h"

namespace sonograd {

using Json = nlohmann::ordered_json;

std::string gan_summary_json(const GanSummary& s) {
  const Json json{{"steps", s.last.step},
                  {"d_loss_real", s.last.real_loss},
                  {"d_loss_fake", s.last.fake_loss},
                  {"g_loss", s.last.generator_loss},
                  {"d_accuracy_real", s.last.real_accuracy},
                  {"d_accuracy_fake", s.last.fake_accuracy},
                  {"d_gradient_norm", s.last.discriminator_norm},
                  {"g_gradient_norm", s.last.generator_norm},
                  {"similarity", s.last.similarity},
                  {"real_similarity", s.real_similarity},
                  {"collapse_bound", s.bound},
                  {"collapsed", s.collapsed()},
                  {"seconds", s.last.seconds}};
  return json.dump(1) + "\n";
}

GanSummary read_gan_summary(const std::filesystem::path& path) try {
  const Json json = Json::parse(read_file(path));
  GanSummary s;
  json.at("steps").get_to(s.last.step);
  json.at("d_loss_real").get_to(s.last.real_loss);
  json.at("d_loss_fake").get_to(s.last.fake_loss);
  json.at("g_loss").get_to(s.last.generator_loss);
  json.at("d_accuracy_real").get_to(s.last.real_accuracy);
  json.at("d_accuracy_fake").get_to(s.last.fake_accuracy);
  json.at("d_gradient_norm").get_to(s.last.discriminator_norm);
  json.at("g_gradient_norm").get_to(s.last.generator_norm);
  json.at("similarity").get_to(s.last.similarity);
  json.at("real_similarity").get_to(s.real_similarity);
  json.at("collapse_bound").get_to(s.bound);
  json.at("seconds").get_to(s.last.seconds);
  return s;
} catch (const nlohmann::json::exception& error) {
  throw Error("{}: not the summary of a GAN's run: {}; train the GAN again", path.string(), fault_of(error));
}

}  // namespace sonograd

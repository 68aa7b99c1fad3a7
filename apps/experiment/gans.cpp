#include "apps/experiment/gans.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "gan/gan_history.h"
#include "report/html_parts.h"
#include "report/step_curves.h"

namespace sonograd {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

// The last sheet of samples, "" where there is none.
std::string last_sheet(const fs::path& run) {
  fs::path last;
  if (!fs::is_directory(run / "samples")) return "";
  for (const auto& entry : fs::directory_iterator(run / "samples"))
    if (entry.path().extension() == ".png" && entry.path() > last) last = entry.path();
  return last.empty() ? "" : read_file(last);
}

std::vector<double> column(const GanHistory& history, double GanStep::*value) {
  std::vector<double> values;
  for (const GanStep& step : history) values.push_back(step.*value);
  return values;
}

// What `gan audit` found, beside the pictures that the GAN never saw where there are enough of them.
std::string audit_facts(const Json& audit) try {
  if (audit.is_null()) return "";
  const bool unseen = !audit.at("held_out").is_null();
  const Json& real = audit.at(unseen ? "held_out" : "trained");
  return fact("KID", fmt::format("{:.4f} ± {:.4f}", real.at("kid").get<double>(),
                                 real.at("kid_deviation").get<double>())) +
         fact("precision", fmt::format("{:.2f}", real.at("precision").get<double>())) +
         fact("recall", fmt::format("{:.2f}", real.at("recall").get<double>())) +
         fact("beside", fmt::format("{} pictures {}", real.at("real").get<Int>(),
                                    unseen ? "never seen" : "trained on")) +
         fact("features", audit.at("features").get<std::string>()) +
         fact("copied", percent(audit.at("memorisation").at("copied").get<double>(), 0));
} catch (const Json::exception& error) {
  throw Error("an audit.json of a GAN is damaged ({}); make it again by `sonograd gan audit`", error.what());
}

std::string card(const GanRun& gan) {
  const GanSummary& s = gan.summary;
  const GanHistory history = read_gan_history(RunFolder::at(gan.folder).history());
  std::string out = fmt::format(
      "<article class=\"panel\"><p class=\"answer\"><strong>{}</strong><span class=\"pill {}</span></p>\n",
      escape_html(gan.class_name),
      s.collapsed() ? "wrong\">may have collapsed" : "right\">no sign of collapse");
  if (const std::string sheet = last_sheet(gan.folder); !sheet.empty())
    out += image(sheet, "generated pictures, " + gan.class_name);
  out += step_curves("the GAN's losses", {{"D, real", column(history, &GanStep::real_loss)},
                                          {"D, generated", column(history, &GanStep::fake_loss)},
                                          {"generator", column(history, &GanStep::generator_loss)}})
             .markup() +
         step_curves("the discriminator's accuracy",
                     {{"D right: real", column(history, &GanStep::real_accuracy)},
                      {"generated", column(history, &GanStep::fake_accuracy)}},
                     1)
             .markup();
  return out + "<dl class=\"facts\">\n" + fact("steps", fmt::format("{}", s.last.step)) +
         fact("similarity", fmt::format("{:.2f}", s.last.similarity)) +
         fact("of real ones", fmt::format("{:.2f}", s.real_similarity)) +
         fact("warned of above", fmt::format("{:.2f}", s.bound)) + audit_facts(gan.audit) +
         "</dl></article>\n";
}

}  // namespace

std::vector<GanRun> gans_of(const fs::path& experiment) {
  std::vector<GanRun> gans;
  if (!fs::is_directory(experiment / "gan")) return gans;
  for (const auto& entry : fs::directory_iterator(experiment / "gan")) {
    const RunFolder run = RunFolder::at(entry.path());
    if (!run.finished()) continue;
    gans.push_back({entry.path().filename().string(), run.path(), read_gan_summary(run.metrics()), nullptr});
    const fs::path audit = run.path() / "audit" / "audit.json";
    if (!fs::exists(audit)) continue;
    gans.back().audit = Json::parse(read_file(audit), nullptr, false);
    expect(gans.back().audit.is_object(), "{}: not an audit of a GAN; make it again by `sonograd gan audit`",
           audit.string());
  }
  std::sort(gans.begin(), gans.end(),
            [](const GanRun& a, const GanRun& b) { return a.class_name < b.class_name; });
  return gans;
}

std::string gans_section(const std::vector<GanRun>& gans) {
  if (gans.empty()) return "";
  std::string out = section(
      "The DCGANs",
      "A GAN a class: pictures of the same noises after the last step; losses of discriminator (D) and "
      "generator; how many pictures of either kind D tells right. Similarity is the mean correlation of two "
      "pictures: far above the real ones' the generator draws one picture again and again.");
  out += "<div class=\"gans\">\n";
  for (const GanRun& gan : gans) out += card(gan);
  return out + "</div>\n";
}

}  // namespace sonograd

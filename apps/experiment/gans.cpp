#include "apps/experiment/gans.h"

#include <algorithm>

#include "tensor/file.h"

namespace sonograd {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

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

}  // namespace sonograd

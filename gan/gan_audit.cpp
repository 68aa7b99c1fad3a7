#include "gan/gan_audit.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "gan/pictures.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

constexpr Int subsets = 100, largest_subset = 100;  // of the KID
constexpr Int least_held_out = 10;
constexpr std::size_t pairs = 16;

void append(ImageSet& to, const ImageSet& from, Int i) {
  to.height = from.height;
  to.width = from.width;
  to.pixels.insert(to.pixels.end(), from.image(i).begin(), from.image(i).end());
}

Likeness likeness(const Features& real, const Features& generated, std::uint64_t seed) {
  const Gram gram(real, generated);
  // Half at most, so that subsets differ.
  const Int size = std::clamp<Int>(std::min(gram.real(), gram.generated()) / 2, 2, largest_subset);
  return {gram.real(), kid(gram, draw_subsets(gram, subsets, size, Random(seed).stream("kid"))),
          precision_recall(gram)};
}

Json json_of(const Likeness& l) {
  if (l.real == 0) return nullptr;
  return {{"real", l.real},
          {"kid", l.kid.mean},
          {"kid_deviation", l.kid.deviation},
          {"kid_subsets", l.kid.subsets},
          {"kid_subset_size", l.kid.subset_size},
          {"precision", l.coverage.precision},
          {"recall", l.coverage.recall}};
}

}  // namespace

RealPictures part_by_lineage(const GanData& data, const Lineage& lineage,
                             const std::filesystem::path& folder) {
  std::set<std::string> ancestors, missing;
  for (const LabelledFile& file : lineage.ancestors) ancestors.insert(file.sha256);
  missing = ancestors;
  RealPictures parts;
  for (Int i = 0; i < data.images.size(); ++i) {
    const std::string& hash = data.files[static_cast<std::size_t>(i)].sha256;
    missing.erase(hash);
    const bool trained = ancestors.count(hash) > 0;
    append(trained ? parts.trained : parts.held_out, data.images, i);
    if (trained) parts.trained_files.push_back(data.files[static_cast<std::size_t>(i)].file);
  }
  expect(missing.empty(),
         "{}: {} of the {} pictures that the GAN was trained on are not in class {}; give the folder that it "
         "was trained with",
         folder.string(), missing.size(), ancestors.size(), data.class_name);
  return parts;
}

GanAudit audit_gan(const RealPictures& real, const ImageSet& generated, const Extractor& extractor,
                   std::uint64_t seed) {
  GanAudit audit;
  audit.extractor = extractor.name;
  audit.generated = generated.size();
  const Features made = extractor(generated);
  audit.trained = likeness(extractor(real.trained), made, seed);
  const Extractor pixels = pixel_extractor();
  const Features trained = pixels(real.trained);
  audit.memorisation = memorisation(Gram(trained, pixels(generated)));
  audit.trained_files = real.trained_files;
  if (real.held_out.size() < least_held_out) return audit;
  audit.held_out = likeness(extractor(real.held_out), made, seed);
  audit.copied_held_out = memorisation(Gram(trained, pixels(real.held_out))).copied;
  return audit;
}

Image nearest_pairs(const Memorisation& m, const ImageSet& trained, const ImageSet& generated) {
  std::vector<Int> order = all_of(generated.size());
  std::stable_sort(order.begin(), order.end(), [&](Int a, Int b) {
    return m.distance[static_cast<std::size_t>(a)] < m.distance[static_cast<std::size_t>(b)];
  });
  order.resize(std::min(order.size(), pairs));
  ImageSet sheet;
  for (const Int i : order) {
    append(sheet, generated, i);
    append(sheet, trained, m.nearest[static_cast<std::size_t>(i)]);
  }
  return contact_sheet(sheet, 8);
}

std::string gan_audit_json(const GanAudit& audit) {
  const Memorisation& m = audit.memorisation;
  Json nearest = Json::array();
  for (std::size_t i = 0; i < m.nearest.size(); ++i)
    nearest.push_back({{"sample", i},
                       {"file", audit.trained_files.at(static_cast<std::size_t>(m.nearest[i]))},
                       {"distance", m.distance[i]}});
  const Json json{{"class", audit.class_name},
                  {"generated", audit.generated},
                  {"features", audit.extractor},
                  {"trained", json_of(audit.trained)},
                  {"held_out", json_of(audit.held_out)},
                  {"memorisation",
                   {{"features", pixel_extractor().name},
                    {"median_distance", m.median_generated},
                    {"median_distance_between_real", m.median_real},
                    {"copied", m.copied},
                    {"copied_held_out", audit.copied_held_out},
                    {"excess", m.copied - audit.copied_held_out}}},
                  {"nearest", nearest}};
  return json.dump(1) + "\n";
}

}  // namespace sonograd

#pragma once
#include <filesystem>
#include <limits>

#include "data/image.h"
#include "gan/fidelity.h"
#include "gan/gan_data.h"
#include "gan/sample.h"

namespace sonograd {

// How generated pictures compare with real ones of their class.
struct Likeness {
  Int real = 0;
  Kid kid;
  PrecisionRecall coverage;
};

struct GanAudit {
  std::string class_name, extractor;
  Int generated = 0;
  Likeness trained;           // with the pictures that the GAN was trained on
  Likeness held_out;          // with the class's others; real = 0 where there are fewer than ten
  Memorisation memorisation;  // of the former, on pixel_extractor
  // The share of the class's others, which nobody copied, that Memorisation::copied would count: what to
  // expect by chance. NaN where there are fewer than ten.
  double copied_held_out = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::string> trained_files;  // that memorisation.nearest points to
};

// The real pictures of a class, parted by whether they are ancestors of the generated ones. Throws Error
// where an ancestor is not among them.
struct RealPictures {
  ImageSet trained, held_out;
  std::vector<std::string> trained_files = {};
};
RealPictures part_by_lineage(const GanData& data, const Lineage& lineage,
                             const std::filesystem::path& folder);

// Throws Error for fewer than four real or generated pictures.
GanAudit audit_gan(const RealPictures& real, const ImageSet& generated, const Extractor& extractor,
                   std::uint64_t seed);

// The generated pictures that come nearest to a real one, each beside it: at most 16 pairs, the nearest
// first, four pairs a row.
Image nearest_pairs(const Memorisation& memorisation, const ImageSet& trained, const ImageSet& generated);

// class, generated, features, trained and held_out {real, kid …, precision, recall}, memorisation {…, copied,
// copied_held_out, excess: the one less the other}, nearest[] of {sample, file, distance}: the training
// picture next to each generated one.
std::string gan_audit_json(const GanAudit& audit);

}  // namespace sonograd

#pragma once
#include <vector>

#include "base/philox.h"
#include "gan/features.h"

namespace sonograd {

// Dot products of the features of real pictures, then of generated ones, each with each: all that the
// measures below are computed from.
class Gram {
 public:
  Gram(const Features& real, const Features& generated);

  Int real() const { return real_; }
  Int generated() const { return all_ - real_; }
  Int length() const { return length_; }  // of a picture's features
  double dot(Int i, Int j) const { return dots[static_cast<std::size_t>(i * all_ + j)]; }
  double distance(Int i, Int j) const;  // Euclidean

 private:
  Int real_, all_, length_;
  std::vector<double> dots;
};

// Positions in a Gram matrix.
struct Subset {
  std::vector<Int> real, generated;
};

// The squared maximum mean discrepancy of the two parts of a subset under the kernel (x·y / length + 1)³, the
// estimate without bias (Gretton et al. 2012, eq. 3): 0 on average where both come from one distribution, so
// that it may fall below.
double polynomial_mmd2(const Gram& gram, const Subset& subset);

// Kernel inception distance without Inception (Bińkowski, Sutherland, Arbel & Gretton 2018): mean and
// standard deviation of polynomial_mmd2 over subsets. It says something only beside the features' name.
struct Kid {
  double mean = 0, deviation = 0;
  Int subsets = 0, subset_size = 0;  // pictures of either part
};
Kid kid(const Gram& gram, const std::vector<Subset>& subsets);

// `count` subsets of `size` real and `size` generated pictures each, without replacement. Throws Error for a
// size below 2 or above either number.
std::vector<Subset> draw_subsets(const Gram& gram, Int count, Int size, const Random& random);

// Kynkäänniemi, Karras, Laine, Lehtinen & Aila 2019, "Improved precision and recall metric for assessing
// generative models": the share of generated pictures within the k-th neighbour's distance of some real one
// (are they like real ones?), and the share of real pictures within that of some generated one (is every kind
// of real one made?). Throws Error for fewer than k + 1 pictures of either part.
struct PrecisionRecall {
  double precision = 0, recall = 0;
};
PrecisionRecall precision_recall(const Gram& gram, Int k = 3);

// How near generated pictures come to the real ones. `copied`: the share of generated pictures that are
// nearer to their nearest real one than that is to any other real one (Alaa, van Breugel, Saveliev & van der
// Schaar 2022, "How faithful is your synthetic data?", authenticity).
struct Memorisation {
  std::vector<Int> nearest;      // real picture of each generated one
  std::vector<double> distance;  // to it
  double median_generated = 0;   // of these
  double median_real = 0;        // of the real ones' to their nearest other real one
  double copied = 0;
};
Memorisation memorisation(const Gram& gram);

}  // namespace sonograd

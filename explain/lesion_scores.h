#pragma once
#include <vector>

#include "data/image.h"
#include "explain/perturbation.h"

namespace sonograd {

// Which pixels of an image are lesion, [height, width], row-major. At least one is.
struct Lesion {
  Int height = 0, width = 0;
  std::vector<bool> inside;

  double share() const;  // of the image's pixels
};

// How well a heat map finds a lesion. The map is [height, width] like the lesion; of it only what lies above
// 0 speaks for the class, and one without such a value points nowhere: every score is 0.
struct LesionScores {
  bool hit = false;   // pointing game: the largest value, the first of equals, is inside (Zhang et al. 2018)
  double energy = 0;  // the share of the sum of positive values that is inside (Wang et al. 2020)
  double iou = 0;  // of the lesion and the map's positive pixels among its largest, as many as the lesion has
};
LesionScores score_lesion(const std::vector<float>& map, const Lesion& lesion);

// Area under the score, from 0 to 1 of the pixels changed, by trapezoids over `steps` equal parts (Petsiuk et
// al. 2018). Pixels go by falling value of the map, equal ones row by row.
struct Faithfulness {
  double insertion = 0;  // into an image of the mean colour: high where the map is right about the model
  double deletion = 0;   // replaced by the image's mean colour: low where it is right
};
// `image` [1, height, width, channels]; `score` is a probability. Throws Error for another size of map.
Faithfulness faithfulness(const Tensor& image, const std::vector<float>& map, Int steps,
                          const ClassScore& score);

// A map that knows nothing of the image: a Gaussian at its centre, standard deviations a quarter of the
// sides.
std::vector<float> centre_prior(Int height, Int width);

}  // namespace sonograd

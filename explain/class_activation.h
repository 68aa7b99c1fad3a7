#pragma once
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

// A layer's output for one image and the gradient of a class's score with respect to it, both
// [positions, channels], row-major.
struct Activations {
  Int positions = 0, channels = 0;
  std::vector<double> values, gradient;
};

// Class activation maps, [positions]; A are the values, g the gradient of the class's logit, i a position, k
// a channel.

// max(0, Σ_k w_k · A_ik), w_k = mean over i of g_ik: Selvaraju et al. 2017, the paper's Eq. 3 and 4.
std::vector<float> grad_cam_map(const Activations& a);

// The same on the gradient of the probability, divided by mean(g²) + 1e-5: the authors' notebook.
std::vector<float> notebook_cam_map(Activations a);

// w_k = Σ_i α_ik · max(0, g_ik), α = g² / (2 g² + g³ · Σ_i A_ik): Chattopadhay et al. 2018, whose score is
// the exponential of the logit; its factor, the same for all positions, is left out.
std::vector<float> grad_cam_pp_map(const Activations& a);

// max(0, Σ_k g_ik · A_ik): Draelos & Carin 2020. No average: what the map shows is what the layer's output
// adds to the logit, where everything behind it is linear.
std::vector<float> hi_res_cam_map(const Activations& a);

// max(0, Σ_k max(0, g_ik) · A_ik): Jiang et al. 2021.
std::vector<float> layer_cam_map(const Activations& a);

}  // namespace sonograd

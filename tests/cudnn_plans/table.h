#pragma once
#include <map>
#include <string>
#include <vector>

#include "tests/cudnn_plans/walk.h"

namespace sonograd {

// What a convolution gets from cuDNN on a GPU.
struct Choice {
  bool found = false;
  std::string engine = {};
  Int workspace = 0;  // bytes
};

// Every choice that was asked for, by policy ("f32", "tf32", …) and GPU, in the order of the convolutions:
// all of 32 images at addresses that divide by 16 bytes, then all of the next size and alignment.
using Choices = std::map<std::string, std::map<int, std::vector<Choice>>>;

// As a part of docs/gpu.md: how many plans there are for each policy and GPU, then the engines for f32.
std::string plans_in_markdown(const std::vector<Walked>& convolutions, const Choices& choices, Int workspace,
                              std::size_t cudnn_version);

}  // namespace sonograd

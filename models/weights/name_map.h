#pragma once
#include "models/weights/weight_file.h"

namespace sonograd {

// Where one of our tensors lies in the files of another program, and how.
struct NameRow {
  std::string name;         // ours: block1a.dwconv.depthwise_kernel
  Shape shape;              // ours
  std::string theirs;       // blocks.0.0.conv_dw.weight
  std::string group;        // what it belongs to there; in legacy Keras files the layer's group
  std::string axes;         // their order there, as letters of ours (hwio, or io of a matrix); empty: as ours
  Int part = 0, parts = 1;  // it is this one of so many equal parts of their first axis
  bool flat = false;        // there ours are cut into more axes
  double shift = 0;         // what a value is larger by there
};
using NameMap = std::vector<NameRow>;  // in the model's order, which is Keras'

}  // namespace sonograd

#pragma once
#include "apps/command.h"
#include "models/model.h"
#include "models/weights/weight_file.h"

namespace sonograd {

// Which model, with which weights.
struct ModelFlags {
  std::string name, weights, input, pooling, preprocess;
  Int image_size = 0;  // 0: the weights', else 224
  std::vector<std::string> classes;
  bool partial = false;
  bool fresh_head = false;  // of weights to train on: the base alone
};

void add_model_flags(const Command& command, ModelFlags& flags);

// read_weights, but files of ours that hold no classifier are refused by what they are: a GAN's networks and
// checkpoints.
WeightFile read_classifier(const std::string& path);

// The model that the flags and the weight file's own facts describe; a flag that contradicts the file is an
// Error. Without --weights its values are drawn from the seed. A line on stderr says so where the pixels do
// not fit the weights.
Model open_model(const ModelFlags& flags, const SharedFlags& shared, Device device,
                 const std::string& protocol = "");

// The same for training: --weights may be a whole model or exactly a base, under which the head then starts
// fresh, as it does with --fresh-head. `classes` are the data's.
Model open_model_to_train(const ModelFlags& flags, const SharedFlags& shared, Device device,
                          const std::string& protocol, const std::vector<std::string>& classes);

}  // namespace sonograd

#pragma once
#include "models/weights/h5_image.h"

namespace sonograd {

class H5Tensors;

// An attribute that is a list of texts; an empty one is kept as an empty list of numbers. Throws Error where
// it holds anything else or is larger than the file.
std::vector<std::string> h5_texts(hid_t group, const std::string& name, Int file_bytes);

// The facts of our models in a file of Keras: lines `key=value` in the root's attribute `sonograd`, which
// Keras passes over. Without it a file would forget the order of the classes.
void write_facts(H5Image& image, const Facts& facts);
void read_facts(const H5Tensors& file, Facts& into);

}  // namespace sonograd

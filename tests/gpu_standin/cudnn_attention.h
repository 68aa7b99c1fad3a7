#pragma once
#include <functional>

#include "tests/gpu_standin/cudnn_descriptors.h"

// Graphs of attention in the stand-in for cuDNN: of its forward operation, or of matrix products, pointwise
// functions, sums and reshapes, which are run as they are described, strides, rounding and all.
namespace gpu_standin {

// Of one such operation, when it is finalized; success for any other descriptor.
cudnnStatus_t check_attention_part(const Descriptor& operation);

bool is_attention(const Descriptor& graph);  // or else of one convolution
cudnnStatus_t check_attention(const Descriptor& graph);
bool has_attention_engine(const Descriptor& graph);  // on the machine()
std::int64_t attention_workspace(const Descriptor& graph);

// What the graph does to the tensors, whose addresses are given by their unique ids.
cudnnStatus_t find_attention(const Descriptor& graph, const std::map<std::int64_t, void*>& given,
                             std::function<void()>& work);

}  // namespace gpu_standin

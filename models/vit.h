#pragma once
#include "models/backbone.h"
#include "models/model.h"

namespace sonograd {

// A row of Dosovitskiy et al.'s Table 1 (but vit_s16, which is none of theirs), and the side of a patch.
struct VitSize {
  Int patch = 16, hidden = 768, layers = 12, heads = 12, mlp = 3072;
};
inline constexpr VitSize vit_s16{.hidden = 384, .heads = 6, .mlp = 1536};  // Touvron et al. 2021 (DeiT-S)
inline constexpr VitSize vit_b16{};
inline constexpr VitSize vit_b32{.patch = 32};

// Gives the class token after the last norm. Images are squares of whole patches. Position embeddings start
// with the deviation of the vit-keras release for that Keras.
Backbone vit(const VitSize& size, Int image_size, Keras keras);
TokenGrid vit_grid(const VitSize& size, Int image_size);

}  // namespace sonograd

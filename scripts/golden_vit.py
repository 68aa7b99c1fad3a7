"""The Vision Transformer in Keras 3 by vit-keras' equations, with its names: its classes and attributes are
what Keras names the tensors in a .weights.h5 after. Dropout is 0, as the golden numbers want it, unless asked for.
"""

import keras
from keras import ops

SIZES = {
    "vit_s16": dict(patch=16, hidden=384, heads=6, mlp=1536),
    "vit_b16": dict(patch=16, hidden=768, heads=12, mlp=3072),
    "vit_b32": dict(patch=32, hidden=768, heads=12, mlp=3072),
}


class ClassToken(keras.layers.Layer):
    """[n, tokens, hidden] -> [n, 1 + tokens, hidden], the learned token first."""

    def build(self, shape):
        self.cls = self.add_weight(shape=(1, 1, shape[-1]), initializer="zeros", name="cls")

    def call(self, x):
        token = ops.broadcast_to(self.cls, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([token, x], axis=1)


class AddPositionEmbs(keras.layers.Layer):
    def build(self, shape):
        self.pe = self.add_weight(shape=(1, *shape[1:]), initializer="zeros", name="pos_embedding")

    def call(self, x):
        return x + self.pe


class MultiHeadSelfAttention(keras.layers.Layer):
    def __init__(self, heads, **how):
        super().__init__(**how)
        self.heads = heads

    def build(self, shape):
        dense = lambda name: keras.layers.Dense(shape[-1], name=name)
        self.query_dense, self.key_dense, self.value_dense = map(dense, ("query", "key", "value"))
        self.combine_heads = dense("out")
        for layer in (self.query_dense, self.key_dense, self.value_dense, self.combine_heads):
            layer.build(shape)

    def call(self, x):
        n, tokens, hidden = x.shape[0] or ops.shape(x)[0], x.shape[1], x.shape[2]
        size = hidden // self.heads
        split = lambda y: ops.transpose(ops.reshape(y, (n, tokens, self.heads, size)), (0, 2, 1, 3))
        q, k, v = (split(d(x)) for d in (self.query_dense, self.key_dense, self.value_dense))
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / size**0.5
        mixed = ops.transpose(ops.matmul(ops.softmax(scores, axis=-1), v), (0, 2, 1, 3))
        return self.combine_heads(ops.reshape(mixed, (n, tokens, hidden)))


class TransformerBlock(keras.layers.Layer):
    def __init__(self, heads, mlp, dropout=0.0, **how):
        super().__init__(**how)
        self.heads, self.mlp = heads, mlp
        self.dropouts = [keras.layers.Dropout(dropout) for _ in range(3)] if dropout else [lambda x: x] * 3

    def build(self, shape):
        self.att = MultiHeadSelfAttention(self.heads, name="MultiHeadDotProductAttention_1")
        self.mlpblock = keras.Sequential(
            [
                keras.layers.Dense(self.mlp, activation="gelu", name=f"{self.name}_Dense_0"),
                keras.layers.Dense(shape[-1], name=f"{self.name}_Dense_1"),
            ],
            name="MlpBlock_3",
        )
        self.layernorm1 = keras.layers.LayerNormalization(epsilon=1e-6, name="LayerNorm_0")
        self.layernorm2 = keras.layers.LayerNormalization(epsilon=1e-6, name="LayerNorm_2")
        for layer in (self.att, self.mlpblock, self.layernorm1, self.layernorm2):
            layer.build(shape)

    def call(self, x):
        after_attention, inside, after_mlp = self.dropouts
        x = after_attention(self.att(self.layernorm1(x))) + x
        widen, narrow = self.mlpblock.layers
        return x + after_mlp(narrow(inside(widen(self.layernorm2(x)))))


def base(name, image_size, dropout=0.0):
    size = SIZES[name]
    patch, hidden, layers = size["patch"], size["hidden"], keras.layers
    x = image = layers.Input((image_size, image_size, 3))
    x = layers.Conv2D(hidden, patch, strides=patch, padding="valid", name="embedding")(x)
    x = layers.Reshape((-1, hidden), name="reshape")(x)
    x = ClassToken(name="class_token")(x)
    x = AddPositionEmbs(name="Transformer_posembed_input")(x)
    for i in range(12):
        x = TransformerBlock(size["heads"], size["mlp"], dropout, name=f"Transformer_encoderblock_{i}")(x)
    x = layers.LayerNormalization(epsilon=1e-6, name="Transformer_encoder_norm")(x)
    return keras.Model(image, layers.Lambda(lambda v: v[:, 0], name="ExtractToken")(x))

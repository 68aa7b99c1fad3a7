"""tests/golden/data/rollout.json: attention rollout (Abnar & Zuidema 2020) of two small models by PyTorch, in f64.

    transformer   a ViT of 12 x 12 pixels in patches of 4, of torch.nn.TransformerEncoderLayer; the class token's row
                  of the product over layers of (mean over heads + identity) / 2, less its first entry
    feature_map   a 3 x 3 feature map under one torch.nn.MultiheadAttention, whose positions are then averaged: the
                  mean over rows of the mean over heads

Weights are golden_formula.tensor(key, shape, scale, shift) under Sonograd's names and in its (Keras') layouts, the
picture is golden_formula.images(1, 12). Run: python scripts/golden_rollout.py [--check]
"""

import torch

import golden_formula as formula

IMAGE, PATCH, HIDDEN, HEADS, MLP, LAYERS, CLASSES = 12, 4, 8, 2, 16, 3, 3
SIDE = IMAGE // PATCH
picture = torch.from_numpy(formula.images(1, IMAGE))


class Weights:
    """Draws a tensor by our name, and remembers of what."""

    def __init__(self, key):
        self.key, self.facts = key, []

    def __call__(self, name, shape, scale=1.0, shift=0.0):
        self.key += 1
        self.facts.append({"name": name, "key": self.key, "scale": scale, "shift": shift})
        return torch.from_numpy(formula.tensor(self.key, shape, scale, shift))

    def linear(self, name, into, out, scale=1.0):
        return self(name + ".kernel", (into, out), scale).T, self(name + ".bias", (out,), 0.1)

    def norm(self, name, into):
        into.weight.data = self(name + ".gamma", (HIDDEN,), 0.5, 1.0)
        into.bias.data = self(name + ".beta", (HIDDEN,), 0.1)


def embed(weights):
    """[positions, HIDDEN], row by row"""
    kernel = weights("embedding.kernel", (PATCH, PATCH, 3, HIDDEN), 0.01).permute(3, 2, 0, 1)
    bias = weights("embedding.bias", (HIDDEN,), 0.1)
    return torch.nn.functional.conv2d(picture.permute(0, 3, 1, 2), kernel, bias, PATCH).flatten(2).transpose(1, 2)


def set_attention(into, projections):
    (q, k, v), (into.out_proj.weight.data, into.out_proj.bias.data) = projections[:3], projections[3]
    into.in_proj_weight.data = torch.cat([q[0], k[0], v[0]])
    into.in_proj_bias.data = torch.cat([q[1], k[1], v[1]])


def transformer():
    weights = Weights(5000)
    x = embed(weights)
    x = torch.cat([weights("class_token.cls", (1, 1, HIDDEN)), x], dim=1)
    x = x + weights("Transformer.posembed_input.pos_embedding", (1, 1 + SIDE * SIDE, HIDDEN))
    rolled = torch.eye(1 + SIDE * SIDE, dtype=torch.float64)
    for i in range(LAYERS):
        name = f"Transformer.encoderblock_{i}."
        block = torch.nn.TransformerEncoderLayer(
            HIDDEN, HEADS, MLP, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True, dtype=torch.float64
        ).eval()
        attention = name + "MultiHeadDotProductAttention_1."
        parts = [weights.linear(attention + part, HIDDEN, HIDDEN, 2.0) for part in ("query", "key", "value", "out")]
        set_attention(block.self_attn, parts)
        for dense, layer, sizes in (("Dense_0", block.linear1, (HIDDEN, MLP)), ("Dense_1", block.linear2, (MLP, HIDDEN))):
            layer.weight.data, layer.bias.data = weights.linear(name + "MlpBlock_3." + dense, *sizes)
        weights.norm(name + "LayerNorm_0", block.norm1)
        weights.norm(name + "LayerNorm_2", block.norm2)
        y = block.norm1(x)
        a = block.self_attn(y, y, y, average_attn_weights=False)[1][0]
        a = a.mean(dim=0) + torch.eye(len(rolled), dtype=torch.float64)
        rolled = a / a.sum(dim=1, keepdim=True) @ rolled
        x = block(x)
    norm = torch.nn.LayerNorm(HIDDEN, 1e-6, dtype=torch.float64)
    weights.norm("Transformer.encoder_norm", norm)
    kernel, bias = weights.linear("dense", HIDDEN, CLASSES)
    return weights.facts, norm(x)[0, 0] @ kernel.T + bias, rolled[0, 1:]


def feature_map():
    weights = Weights(6000)
    x = embed(weights)
    size, name = HIDDEN // HEADS, "multi_head_attention."
    parts = []
    for part in ("query", "key", "value"):
        kernel = weights(f"{name}{part}.kernel", (HIDDEN, HEADS, size), 2.0).reshape(HIDDEN, HIDDEN).T
        parts.append((kernel, weights(f"{name}{part}.bias", (HEADS, size), 0.1).flatten()))
    kernel = weights(name + "attention_output.kernel", (HEADS, size, HIDDEN)).reshape(HIDDEN, HIDDEN).T
    parts.append((kernel, weights(name + "attention_output.bias", (HIDDEN,), 0.1)))
    layer = torch.nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True, dtype=torch.float64)
    set_attention(layer, parts)
    y, a = layer(x, x, x)
    kernel, bias = weights.linear("dense", HIDDEN, CLASSES)
    return weights.facts, y[0].mean(dim=0) @ kernel.T + bias, a[0].mean(dim=0)


def case(name, facts, logits, rollout):
    return {
        "name": name,
        "parameters": facts,
        "logits": formula.pick(logits.detach(), CLASSES, 14),
        "rollout": formula.pick(rollout.detach(), SIDE * SIDE, 14),
    }


if __name__ == "__main__":
    check = formula.arguments(__doc__.splitlines()[0]).parse_args().check
    formula.save(
        "rollout",
        {
            "made_by": "scripts/golden_rollout.py",
            "cases": [case("transformer", *transformer()), case("feature_map", *feature_map())],
        },
        check,
    )

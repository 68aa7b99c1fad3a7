"""Times PyTorch (eager, channels-last, f32) on the work of `sonograd bench`, with timm's EfficientNet."""

import time

started = time.perf_counter()

import timing

BASES = {"efficientnetb0": "tf_efficientnet_b0", "efficientnetb3": "tf_efficientnet_b3"}
MODELS = (*BASES, "aeganb3", "aeganb3_noattention")

options = timing.arguments(MODELS)

import timm
import torch
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    """Keras' MultiHeadAttention(8, 512, dropout=0.1) over all pixels of a map."""

    def __init__(self, channels, heads=8, depth=512, dropout=0.1):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value = (nn.Linear(channels, heads * depth) for _ in range(3))
        self.output = nn.Linear(heads * depth, channels)

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = (
            f(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for f in (self.query, self.key, self.value)
        )
        y = functional.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0)
        return self.output(y.transpose(1, 2).flatten(2)).transpose(1, 2).unflatten(2, x.shape[2:])


def head(model, channels):
    if model in BASES:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3))
    attention = [Attention(channels)] if model == "aeganb3" else []
    return nn.Sequential(
        nn.BatchNorm2d(channels, 1e-3, 0.01),
        *attention,
        nn.BatchNorm2d(channels, 1e-3, 0.01),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, 512),
        nn.ReLU(),
        nn.Linear(512, 3),
    )


def set_mode(what, base, top):
    """train: all; finetune: all but norms (moving statistics); transfer: the head with its norms."""

    def freeze_norms(module):
        for m in module.modules():
            if isinstance(m, nn.modules.batchnorm._BatchNorm):
                m.eval().requires_grad_(False)

    base.train(what != "infer")
    top.train(what != "infer")
    if what in ("finetune", "transfer"):
        freeze_norms(base)
    if what == "finetune":
        freeze_norms(top)
    if what == "transfer":
        base.requires_grad_(False)


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(42)
    base = timm.create_model(
        BASES.get(options.model, BASES["efficientnetb3"]), pretrained=False, drop_path_rate=0.2
    )
    base.reset_classifier(0, "")
    top = head(options.model, base.num_features)
    model = nn.Sequential(base, top).to(memory_format=torch.channels_last)
    set_mode(options.what, base, top)
    images = torch.rand(options.batch, 3, options.image_size, options.image_size)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(options.batch) % 3
    if options.what == "infer":

        def step():
            with torch.inference_mode():
                return model(images).softmax(1).numpy()
    else:
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trained, 1e-3, fused=True)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            return loss.item()

    figures = timing.measure(step, options.repeat, started)
    timing.report(options, f"torch {torch.__version__}, timm {timm.__version__}", figures)


main()

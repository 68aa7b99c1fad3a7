"""Times PyTorch (channels-last; eager or compiled) on the work of `sonograd bench`: timm's models."""

import time

started = time.perf_counter()

import timing

BASES = {  # timm's name, and its dropout where the model has any
    "efficientnetb0": ("tf_efficientnet_b0", {"drop_path_rate": 0.2}),
    "efficientnetb3": ("tf_efficientnet_b3", {"drop_path_rate": 0.2}),
    "densenet169": ("densenet169", {}),
    "xception": ("legacy_xception", {}),
    "vit_b16": ("vit_base_patch16_224", {"proj_drop_rate": 0.1}),
    "vit_b32": ("vit_base_patch32_224", {"proj_drop_rate": 0.1}),
}
MODELS = (*BASES, "aeganb3", "aeganb3_noattention")

options = timing.arguments(
    MODELS,
    devices=("cpu", "gpu"),
    dtypes=("f32", "bf16"),
    compile="with torch.compile",
    tf32="on the gpu, products of f32 values rounded to 10 bits first",
)

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
    if model.startswith("vit"):
        return nn.Linear(channels, 3)
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
        if hasattr(base, "norm"):
            base.norm.requires_grad_(False)
    if what == "finetune":
        freeze_norms(top)
    if what == "transfer":
        base.requires_grad_(False)


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(42)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
    torch.backends.cudnn.benchmark = True  # convolutions by the engine that was fastest when tried
    device = {"cpu": "cpu", "gpu": "cuda"}[options.device]
    name, dropout = BASES.get(options.model, BASES["efficientnetb3"])
    vit = options.model.startswith("vit")
    size = {"img_size": options.image_size} if vit else {}
    base = timm.create_model(name, pretrained=False, **dropout, **size)
    base.reset_classifier(0, "token" if vit else "")
    top = head(options.model, base.num_features)
    model = nn.Sequential(base, top).to(device, memory_format=torch.channels_last)
    set_mode(options.what, base, top)
    call = torch.compile(model) if options.compile else model
    images = torch.rand(options.batch, 3, options.image_size, options.image_size)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(options.batch) % 3
    rounded = torch.autocast(device, torch.bfloat16, enabled=options.dtype == "bf16")
    if options.what == "infer":

        def step():
            with torch.inference_mode(), rounded:
                return call(images.to(device)).float().softmax(1).cpu().numpy()
    else:
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trained, 1e-3, fused=True)

        def step():
            optimizer.zero_grad(set_to_none=True)
            with rounded:
                loss = functional.cross_entropy(call(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            return loss.item()

    figures = timing.measure(step, options.repeat, started, torch.cuda.reset_peak_memory_stats if device == "cuda" else None)
    if options.device == "gpu":
        figures["gpu_peak_mb"] = torch.cuda.max_memory_allocated() / 2**20
    timing.report(options, f"torch {torch.__version__}, timm {timm.__version__}", figures)


main()

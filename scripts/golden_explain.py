"""tests/golden/data/explain.json: maps by pytorch-grad-cam and Captum on a network of two layers, in f64.

The network: a 3x3 convolution with "same" padding from 3 to 4 channels, swish, the mean over positions of its
square, and a dense layer to 3 classes. The feature map has the image's size, so that no two ways of stretching it
differ. Grad-CAM++ explains 1000 times the logit, as pytorch-grad-cam adds 1e-6 to a denominator of squared
gradients. Run: python scripts/golden_explain.py
"""

import json
from pathlib import Path

import captum.attr
import numpy as np
import pytorch_grad_cam as cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

SIZE, CLASSES = 9, 3
random = np.random.default_rng(7)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1, dtype=torch.float64)
        self.features = torch.nn.SiLU()
        self.dense = torch.nn.Linear(4, CLASSES, dtype=torch.float64)

    def forward(self, x):
        a = self.features(self.conv(x / 128))
        return self.dense((a * a).mean(dim=(2, 3)))


network = Network().eval()
for parameter in network.parameters():
    parameter.data = torch.from_numpy(random.normal(size=parameter.shape).round(3))
image = torch.from_numpy(random.integers(0, 256, (1, 3, SIZE, SIZE)).astype(np.float64))
target = 1


def numbers(x):
    return np.asarray(x, dtype=np.float64).reshape(-1).tolist()


def cam_map(method, factor=1):
    explainer = method(model=network, target_layers=[network.features])
    seen = explainer.activations_and_grads(image.requires_grad_(True))
    (factor * seen[0, target]).backward()
    a = explainer.activations_and_grads.activations[0].numpy()
    g = explainer.activations_and_grads.gradients[0].numpy()
    weights = explainer.get_cam_image(
        image, explainer.target_layers[0], [ClassifierOutputTarget(target)], a, g, False
    )
    explainer.activations_and_grads.release()
    return np.maximum(weights[0], 0)


maps = {
    "gradcam": cam_map(cam.GradCAM),
    "gradcam++": cam_map(cam.GradCAMPlusPlus, 1000),
    "hirescam": cam_map(cam.HiResCAM),
    "layercam": cam_map(cam.LayerCAM),
    "scorecam": cam_map(cam.ScoreCAM),
}
x = image.detach()
maps["integrated-gradients"] = (
    captum.attr.IntegratedGradients(network)
    .attribute(x, baselines=0, target=target, n_steps=200)
    .sum(dim=1)
    .numpy()
)
colour = x.mean(dim=(2, 3), keepdim=True)
maps["occlusion"] = (
    captum.attr.Occlusion(network)
    .attribute(
        x, sliding_window_shapes=(3, 3, 3), strides=(3, 3, 3), baselines=colour.expand_as(x), target=target
    )[0, 0]
    .numpy()
)
golden = {
    "made_by": "scripts/golden_explain.py",
    "size": SIZE,
    "target": target,
    "image": numbers(x.permute(0, 2, 3, 1)),
    "conv_kernel": numbers(network.conv.weight.detach().permute(2, 3, 1, 0)),
    "conv_bias": numbers(network.conv.bias.detach()),
    "dense_kernel": numbers(network.dense.weight.detach().T),
    "dense_bias": numbers(network.dense.bias.detach()),
    "logits": numbers(network(x).detach()),
    "maps": {name: numbers(values) for name, values in maps.items()},
}
path = Path(__file__).resolve().parents[1] / "tests" / "golden" / "data" / "explain.json"
path.write_text(json.dumps(golden) + "\n")

"""Dumps what each layer of a Keras or timm model gives, for `sonograd compare-activations`.

    python scripts/dump_activations.py keras xception --weights-out x.weights.h5 --out dump.npz
    python scripts/dump_activations.py timm vit_base_patch16_224 --weights-out x.safetensors --out dump.npz [image ...]

The .npz holds `input`, the images as Sonograd's models take them (pixels 0 ... 255), and each layer's output in
the order of execution, under the name that Keras gives the layer. timm's modules get these names by the rules
below; their maps stay [batch, channels, height, width]. Logits are dumped in place of probabilities. Without
--weights the weights are random, with batch norms' statistics far from 0 and 1; --weights-out is the file for
`compare-activations --weights`. Pixels are scaled outside of timm's EfficientNets: give `--input imagenet` then.
"""

import argparse
import re

import numpy as np

CLASSES = 3
# timm's module -> Keras' layer, by the model's name. The first rule that fits counts; \1 is a block's number in
# its stage, of which {letter} is the letter, and {stage} is the stage's number from 1 on.
RULES = {
    "tf_efficientnet": [
        (r"conv_stem", "stem_conv"),
        (r"bn1", "stem_activation"),
        (r"blocks\.0\.(\d+)\.conv_dw", "block1{letter}_dwconv"),
        (r"blocks\.0\.(\d+)\.bn1", "block1{letter}_activation"),
        (r"blocks\.0\.(\d+)\.conv_pw", "block1{letter}_project_conv"),
        (r"blocks\.0\.(\d+)\.bn2", "block1{letter}_project_bn"),
        (r"blocks\.\d+\.(\d+)\.conv_pw", "block{stage}{letter}_expand_conv"),
        (r"blocks\.\d+\.(\d+)\.bn1", "block{stage}{letter}_expand_activation"),
        (r"blocks\.\d+\.(\d+)\.conv_dw", "block{stage}{letter}_dwconv"),
        (r"blocks\.\d+\.(\d+)\.bn2", "block{stage}{letter}_activation"),
        (r"blocks\.\d+\.(\d+)\.se", "block{stage}{letter}_se_excite"),
        (r"blocks\.\d+\.(\d+)\.conv_pwl", "block{stage}{letter}_project_conv"),
        (r"blocks\.\d+\.(\d+)\.bn3", "block{stage}{letter}_project_bn"),
        (r"blocks\.\d+\.(\d+)", "block{stage}{letter}"),
        (r"conv_head", "top_conv"),
        (r"bn2", "top_activation"),
        (r"global_pool", "global_average_pooling2d"),
        (r"classifier", "dense"),
    ],
    "vit_": [
        (r"patch_embed\.proj", "embedding"),
        (r"patch_embed", "reshape"),
        (r"pos_drop", "Transformer_posembed_input"),
        (r"blocks\.(\d+)\.norm1", r"Transformer_encoderblock_\1_LayerNorm_0"),
        (r"blocks\.(\d+)\.attn\.proj", r"Transformer_encoderblock_\1_MultiHeadDotProductAttention_1_out"),
        (r"blocks\.(\d+)\.attn", r"Transformer_encoderblock_\1_MultiHeadDotProductAttention_1"),
        (r"blocks\.(\d+)\.norm2", r"Transformer_encoderblock_\1_LayerNorm_2"),
        (r"blocks\.(\d+)\.mlp\.act", r"Transformer_encoderblock_\1_MlpBlock_3_Dense_0"),
        (r"blocks\.(\d+)\.mlp\.fc2", r"Transformer_encoderblock_\1_MlpBlock_3_Dense_1"),
        (r"blocks\.(\d+)", r"Transformer_encoderblock_\1"),
        (r"norm", "Transformer_encoder_norm"),
        (r"head", "dense"),
    ],
    "densenet": [
        (r"features\.conv0", "conv1_conv"),
        (r"features\.norm0", "conv1_relu"),
        (r"features\.pool0", "pool1"),
        (r"features\.denseblock(\d)\.denselayer(\d+)\.norm1", r"conv{block}_block\2_0_relu"),
        (r"features\.denseblock(\d)\.denselayer(\d+)\.conv1", r"conv{block}_block\2_1_conv"),
        (r"features\.denseblock(\d)\.denselayer(\d+)\.norm2", r"conv{block}_block\2_1_relu"),
        (r"features\.denseblock(\d)\.denselayer(\d+)\.conv2", r"conv{block}_block\2_2_conv"),
        (r"features\.transition(\d)\.norm", "pool{block}_relu"),
        (r"features\.transition(\d)\.conv", "pool{block}_conv"),
        (r"features\.transition(\d)\.pool", "pool{block}_pool"),
        (r"features\.norm5", "relu"),
        (r"global_pool", "global_average_pooling2d"),
        (r"classifier", "dense"),
    ],
}
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def keras_name(model, module):
    """The layer's name in Keras, None where it has none."""
    for pattern, name in next((rules for start, rules in RULES.items() if model.startswith(start)), []):
        found = re.fullmatch(pattern, module)
        if not found:
            continue
        number = int(found[1]) if found.groups() else 0
        stage = re.match(r"blocks\.(\d+)", module)
        name = name.replace("{letter}", chr(ord("a") + number)).replace("{block}", str(number + 1))
        return found.expand(name.replace("{stage}", str(int(stage[1]) + 1) if stage else ""))
    return None


def pictures(files, size):
    if not files:
        import golden_formula

        return golden_formula.images(2, size)
    import cv2

    read = (cv2.imread(file)[:, :, ::-1] for file in files)
    return np.stack([cv2.resize(x, (size, size), interpolation=cv2.INTER_AREA) for x in read]).astype(float)


def dump_keras(options, images):
    import keras

    import golden_keras as zoo

    keras.config.set_floatx(options.dtype)
    model = zoo.make_model(options.model, options.image_size)
    if options.weights:
        model.load_weights(options.weights)
    else:
        zoo.load_formula(model, options.gain)
    if options.weights_out:
        model.save_weights(options.weights_out)
    model.layers[-1].activation = keras.activations.linear
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    outputs = keras.Model(model.input, [layer.output for layer in layers])(images.astype(options.dtype))
    return images, {layer.name: np.asarray(y) for layer, y in zip(layers, outputs)}


def randomise(network):
    for key, value in network.state_dict().items():
        if key.endswith("running_var") or (value.ndim == 1 and key.endswith("weight")):
            value.uniform_(0.5, 1.5)
        elif value.ndim == 1:
            value.normal_(0, 0.1)


def dump_timm(options, images):
    import safetensors.torch
    import timm
    import torch

    torch.manual_seed(3)
    network = timm.create_model(options.model, num_classes=CLASSES, **(
        {"img_size": options.image_size} if options.model.startswith("vit") else {}
    )).eval()
    if options.weights:
        network.load_state_dict(safetensors.torch.load_file(options.weights))
    else:
        randomise(network)
    if options.weights_out:
        safetensors.torch.save_file(network.state_dict(), options.weights_out)
    network = network.to(getattr(torch, options.dtype))
    seen = {}

    def remember(name):
        def hook(module, inputs, y):
            seen[name] = y.detach().numpy().copy()

        return hook

    for path, module in network.named_modules():
        name = keras_name(options.model, path)
        if name:
            module.register_forward_hook(remember(name))
    images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    x = images
    if options.model.startswith("tf_efficientnet"):  # the others take pixels as they are
        x = (x / 255 - MEAN.reshape(3, 1, 1)) / DEVIATION.reshape(3, 1, 1)
    with torch.no_grad():
        network(torch.from_numpy(x.astype(options.dtype)))
    return images, seen


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("framework", choices=("keras", "timm"))
    parser.add_argument("model", help="Sonograd's name of a model for keras, timm's own for timm")
    parser.add_argument("images", nargs="*", help="image files; default: two pictures of a formula")
    parser.add_argument("--out", required=True, help="the .npz")
    parser.add_argument("--weights", help="a file that the framework reads; default: random values")
    parser.add_argument("--weights-out", help="where the weights are written: .weights.h5 or .safetensors")
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--gain", type=float, default=1.7, help="of Keras' random kernels")
    options = parser.parse_args()
    images = pictures(options.images, options.image_size)
    images, layers = (dump_keras if options.framework == "keras" else dump_timm)(options, images)
    np.savez(options.out, input=images.astype(options.dtype), **layers)
    print(f"{options.out}: {len(layers)} layers of {options.model}, input {images.shape}")


if __name__ == "__main__":
    main()

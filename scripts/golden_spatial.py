"""Cases over height and width: convolutions, pooling, resampling, padding."""

from golden_case import Input, case, keras, np, ops  # sets TensorFlow's environment first


def pads_first(x, padding):
    if isinstance(padding, str):
        return x, padding
    return keras.layers.ZeroPadding2D(padding)(x), "valid"


def conv(name, x, kernel, out, stride=1, padding="same", dilation=1, groups=1, bias=False):
    inputs = {"x": Input(x), "w": Input([*kernel, x[-1] // groups, out], 0.5)}
    if bias:
        inputs["b"] = Input([out], 0.2)

    def function(x, w, b=None):
        x, pad = pads_first(x, padding)
        if groups > 1:
            y = ops.concatenate(
                [
                    ops.conv(part, kernel_part, stride, pad, dilation_rate=dilation)
                    for part, kernel_part in zip(ops.split(x, groups, -1), ops.split(w, groups, -1))
                ],
                -1,
            )
            assert np.allclose(y, ops.conv(x, w, stride, pad, dilation_rate=dilation), rtol=1e-12, atol=1e-12)
        else:
            y = ops.conv(x, w, stride, pad, dilation_rate=dilation)
        return y if b is None else y + b

    case(
        f"conv2d_{name}",
        "conv2d",
        function,
        inputs,
        {"stride": [stride, stride], "dilation": [dilation, dilation], "groups": groups, "padding": padding},
    )


conv("k3_even", [2, 6, 4, 3], (3, 3), 4)
conv("k3_odd_bias", [1, 5, 7, 2], (3, 3), 3, bias=True)
conv("k3_s2_even", [2, 6, 8, 3], (3, 3), 4, 2)
conv("k3_s2_odd", [1, 7, 5, 3], (3, 3), 4, 2)
conv("k3_s2_valid_even", [1, 8, 6, 3], (3, 3), 5, 2, "valid")
conv("k3_s2_valid_odd", [1, 7, 9, 3], (3, 3), 2, 2, "valid")
conv("k3_s2_explicit", [2, 8, 6, 3], (3, 3), 4, 2, [[0, 1], [0, 1]])
conv("k5_wider_than_map", [1, 4, 3, 2], (5, 5), 2)
conv("k5_s2_even", [1, 8, 8, 2], (5, 5), 3, 2)
conv("k5_s2_odd", [1, 7, 9, 2], (5, 5), 3, 2)
conv("k7_s2_explicit", [1, 10, 9, 3], (7, 7), 2, 2, [[3, 3], [3, 3]])
conv("k3x5", [1, 5, 8, 2], (3, 5), 3)
conv("k1", [2, 3, 5, 7], (1, 1), 6)
conv("k1_s2_odd", [2, 5, 7, 3], (1, 1), 4, 2)
conv("k4_s4_valid", [1, 8, 12, 3], (4, 4), 5, 4, "valid", bias=True)
conv("k3_dilated_same", [1, 7, 6, 2], (3, 3), 3, dilation=2)
conv("k3_dilated_valid", [1, 9, 7, 2], (3, 3), 3, padding="valid", dilation=3)
conv("k3_groups2", [2, 5, 4, 4], (3, 3), 6, groups=2)
conv("k3_s2_groups4", [1, 6, 7, 8], (3, 3), 8, 2, groups=4)


def depthwise(name, x, k, stride, padding):
    def function(x, w):
        x, pad = pads_first(x, padding)
        return ops.depthwise_conv(x, w, stride, pad)

    case(
        f"depthwise_conv2d_{name}",
        "depthwise_conv2d",
        function,
        {"x": Input(x), "w": Input([k, k, x[-1], 1], 0.5)},
        {"stride": [stride, stride], "dilation": [1, 1], "padding": padding},
    )


for k in (3, 5):
    depthwise(f"k{k}_even", [2, 6, 8, 5], k, 1, "same")
    depthwise(f"k{k}_odd", [1, 7, 5, 17], k, 1, "same")
    depthwise(f"k{k}_small_map", [2, 3, 2, 4], k, 1, "same")
    depthwise(f"k{k}_s2_even", [2, 6, 8, 5], k, 2, "same")
    depthwise(f"k{k}_s2_odd", [1, 7, 9, 3], k, 2, "same")
    depthwise(f"k{k}_s2_explicit_even", [1, 8, 6, 17], k, 2, [[k // 2 - 1, k // 2]] * 2)
    depthwise(f"k{k}_s2_explicit_odd", [1, 7, 5, 3], k, 2, [[k // 2, k // 2]] * 2)
    depthwise(f"k{k}_valid", [1, 7, 6, 2], k, 1, "valid")

case(
    "separable_conv2d",
    "separable_conv2d",
    lambda x, w, p: ops.separable_conv(x, w, p, 1, "same"),
    {"x": Input([1, 5, 6, 3]), "w": Input([3, 3, 3, 1], 0.5), "p": Input([1, 1, 3, 4], 0.5)},
    {"stride": [1, 1], "padding": "same"},
)


for mode in "max", "average":
    pool = getattr(ops, f"{mode}_pool")
    for name, shape, k, s, padding, shift in (
        ("k3_s2_same_even", [2, 6, 8, 3], 3, 2, "same", 0.0),
        ("k3_s2_same_odd", [1, 7, 5, 3], 3, 2, "same", 0.0),
        ("k3_s2_same_all_negative", [1, 6, 5, 2], 3, 2, "same", -2.0),
        ("k3_s1_same_all_negative", [1, 4, 5, 2], 3, 1, "same", -2.0),
        ("k3_s2_valid_even", [1, 8, 6, 3], 3, 2, "valid", 0.0),
        ("k2_s2_valid_odd", [2, 7, 5, 3], 2, 2, "valid", 0.0),
        ("k2_s2_same_odd", [1, 5, 7, 17], 2, 2, "same", 0.0),
    ):
        case(
            f"{mode}_pool_{name}",
            f"{mode}_pool",
            lambda x: pool(x, k, s, padding),
            {"x": Input(shape, 1.0, shift)},
            {"size": [k, k], "stride": [s, s], "padding": padding},
        )
    layer = getattr(keras.layers, f"Global{mode.capitalize()}Pooling2D")()
    case(f"global_{mode}_pool", f"global_{mode}_pool", layer, {"x": Input([2, 3, 4, 5])})
    case(
        f"global_{mode}_pool_all_negative",
        f"global_{mode}_pool",
        layer,
        {"x": Input([2, 2, 3, 3], 1.0, -2.0)},
    )

for size in (2, 2), (2, 3):
    case(
        f"upsample_{size[0]}x{size[1]}",
        "upsample",
        keras.layers.UpSampling2D(size, interpolation="nearest"),
        {"x": Input([2, 2, 3, 3])},
        {"size": list(size)},
    )
for pads in [[0, 1], [0, 1]], [[1, 2], [1, 2]], [[3, 0], [1, 4]]:
    case(
        "zero_pad_" + "_".join(f"{a}{b}" for a, b in pads),
        "zero_pad",
        keras.layers.ZeroPadding2D(pads),
        {"x": Input([2, 3, 2, 3])},
        {"pads": pads},
    )

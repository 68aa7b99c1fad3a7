#!/usr/bin/env python3
"""Golden numbers of OpenCV for data/decode.h and data/resize.h.

Writes tests/golden/data/opencv.json and the small pictures in tests/golden/data/decode/, all made from a formula.
Needs numpy, opencv-python and pillow. Run from the root of the project: python3 scripts/golden_opencv.py BUSI_FOLDER
"""
import hashlib
import json
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

OUT = Path("tests/golden/data")
FILES = OUT / "decode"


def noise(height, width, channels=3):
    """byte(y, x, c) = bits 13..20 of (x * 73856093) ^ (y * 19349663) ^ (c * 83492791), in 32 bits; test code repeats it."""
    y, x, c = np.meshgrid(*(np.arange(n, dtype=np.uint32) for n in (height, width, channels)), indexing="ij")
    word = x * np.uint32(73856093) ^ y * np.uint32(19349663) ^ c * np.uint32(83492791)
    return ((word >> 13) & 255).astype(np.uint8)


def smooth(height, width, channels=3):
    y, x, c = np.meshgrid(*(np.arange(n) for n in (height, width, channels)), indexing="ij")
    return ((x * 9 + y * 5 + c * 40 + (x * y) // 7) % 256).astype(np.uint8)


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def png(name, samples, bits, colour, palette=None, transparency=None, interlaced=False):
    """Writes any kind of PNG; samples are [height, width, channels] below 2**bits."""
    height, width, channels = samples.shape

    def rows(part):
        packed = b""
        for row in part:
            flat = row.reshape(-1)
            if bits == 16:
                packed += b"\0" + flat.astype(">u2").tobytes()
            elif bits == 8:
                packed += b"\0" + flat.astype(np.uint8).tobytes()
            else:
                spread = (flat[:, None] >> np.arange(bits - 1, -1, -1)) & 1
                packed += b"\0" + np.packbits(spread.astype(np.uint8).reshape(-1)).tobytes()
        return packed

    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    if interlaced:
        parts = (samples[y0::dy, x0::dx] for y0, x0, dy, dx in passes)
        data = b"".join(rows(part) for part in parts if part.size)
    else:
        data = rows(samples)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced))
    if palette is not None:
        out += chunk(b"PLTE", palette.tobytes())
    if transparency is not None:
        out += chunk(b"tRNS", transparency)
    (FILES / name).write_bytes(out + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def bmp(name, bits, size, palette, rows):
    """Writes an uncompressed BMP from packed rows, given from the bottom."""
    offset = 54 + len(palette)
    body = palette + b"".join(rows)
    header = struct.pack("<2sIHHI", b"BM", 14 + 40 + len(body), 0, 0, offset)
    header += struct.pack("<IiiHHIIiiII", 40, size[1], size[0], 1, bits, 0, 0, 0, 0, len(palette) // 4, 0)
    (FILES / name).write_bytes(header + body)


def write_pictures():
    FILES.mkdir(parents=True, exist_ok=True)
    h, w = 13, 21
    wide = noise(h, w, 4).astype(np.uint16) * 256 + noise(h, w, 4)[::-1, ::-1]
    for bits in (1, 2, 4, 8):
        png(f"grey{bits}.png", noise(h, w, 1) >> (8 - bits), bits, 0)
        png(f"palette{bits}.png", noise(h, w, 1) >> (8 - bits), bits, 3, noise(1, 2**bits, 3))
    png("palette4_alpha.png", noise(h, w, 1) >> 4, 4, 3, noise(1, 16, 3), bytes(range(0, 160, 16)))
    png("grey8_transparent.png", noise(h, w, 1), 8, 0, None, struct.pack(">H", int(noise(h, w, 1)[3, 3, 0])))
    png("rgb8_transparent.png", noise(h, w), 8, 2, None, struct.pack(">HHH", *(int(v) for v in noise(h, w)[3, 3])))
    png("grey16.png", wide[..., :1], 16, 0)
    png("grey_alpha8.png", noise(h, w, 2), 8, 4)
    png("grey_alpha16.png", wide[..., :2], 16, 4)
    png("rgb8.png", noise(h, w), 8, 2)
    png("rgb16.png", wide[..., :3], 16, 2)
    png("rgba8.png", noise(h, w, 4), 8, 6)
    png("rgba16.png", wide, 16, 6)
    png("rgb8_interlaced.png", noise(h, w), 8, 2, interlaced=True)
    png("grey2_interlaced.png", noise(h, w, 1) >> 6, 2, 0, interlaced=True)
    png("one_pixel.png", noise(1, 1), 8, 2)

    picture = Image.fromarray(smooth(37, 45))
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        picture.save(FILES / f"colour{name}.jpg", quality=85, subsampling=subsampling)
    picture.save(FILES / "progressive.jpg", quality=70, progressive=True)
    picture.save(FILES / "restart.jpg", quality=60, restart_marker_blocks=2)
    picture.convert("L").save(FILES / "grey.jpg", quality=90)
    picture.convert("CMYK").save(FILES / "cmyk.jpg", quality=90)
    small = Image.fromarray(smooth(6, 9))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        small.save(FILES / f"turned{orientation}.png", exif=exif)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(FILES / "turned6.jpg", quality=85, exif=exif)

    picture.save(FILES / "rgb24.bmp")
    Image.fromarray(smooth(9, 11)[..., 0]).save(FILES / "grey8.bmp")
    Image.fromarray(smooth(9, 11)[..., 0]).convert("1").save(FILES / "bits1.bmp")
    small.convert("RGBA").save(FILES / "rgba32.bmp")
    colours = b"".join(bytes([*entry, 0]) for entry in noise(1, 16)[0])
    nibbles = noise(5, 4, 1)[..., 0]  # 7 pixels of 4 bits in 4 bytes
    bmp("palette4.bmp", 4, (5, 7), colours, [row.tobytes() for row in nibbles])
    rows = [row.tobytes() + bytes(-len(row.tobytes()) % 4) for row in smooth(5, 7)]
    bmp("from_top24.bmp", 24, (-5, 7), b"", rows)


def decoded():
    result = []
    for path in sorted(FILES.iterdir()):
        rgb = cv2.imread(str(path))[..., ::-1]
        result.append({"file": path.name, "height": rgb.shape[0], "width": rgb.shape[1], "sha256": sha(rgb)})
    return result


def resized():
    pairs = [  # (height, width) before and after
        ((256, 256), (224, 224)), ((500, 500), (224, 224)), ((190, 190), (224, 224)), ((471, 562), (224, 224)),
        ((256, 256), (64, 64)), ((256, 256), (128, 128)), ((255, 257), (85, 257)), ((130, 64), (65, 32)),
        ((300, 190), (224, 224)), ((190, 300), (224, 224)), ((225, 224), (224, 224)), ((448, 448), (224, 224)),
        ((61, 67), (31, 29)), ((31, 29), (61, 67)), ((7, 5), (3, 5)), ((1, 1), (5, 4)), ((9, 9), (1, 1)), ((2, 3), (3, 2)),
        ((256, 256), (300, 300)), ((97, 513), (96, 96)), ((96, 64), (32, 64)), ((33, 33), (11, 11)), ((1, 300), (2, 224)),
    ]  # fmt: skip
    result = []
    for before, after in pairs:
        out = cv2.resize(noise(*before), after[::-1], interpolation=cv2.INTER_AREA)
        case = {"from": before, "to": after, "sha256": sha(out)}
        if out.size <= 120:
            case["pixels"] = out.reshape(-1).tolist()
        result.append(case)
    return result


def bilinear():
    result = []
    for before, after in (((7, 7), (12, 15)), ((5, 8), (3, 11)), ((1, 1), (2, 3))):
        plane = noise(*before, 1)[..., 0].astype(np.float32) / 255
        out = cv2.resize(plane, after[::-1], interpolation=cv2.INTER_LINEAR)
        result.append({"from": before, "to": after, "values": [round(float(v), 9) for v in out.reshape(-1)]})
    return result


def busi(folder):
    """One hash over all pictures at 224x224: classes in code order, files in byte order of their names."""
    total = hashlib.sha256()
    for name in ("benign", "normal", "malignant"):
        for path in sorted((Path(folder) / name).iterdir(), key=lambda p: p.name.encode()):
            rgb = cv2.imread(str(path))[..., ::-1]
            total.update(cv2.resize(rgb, (224, 224), interpolation=cv2.INTER_AREA).tobytes())
    return total.hexdigest()


def main():
    write_pictures()
    levels = np.arange(256, dtype=np.uint8).reshape(256, 1)
    golden = {
        "made_with": f"opencv {cv2.__version__}",
        "decode": decoded(),
        "resize_area": resized(),
        "resize_bilinear": bilinear(),
        "busi_224_sha256": busi(sys.argv[1]),
        "jet_sha256": sha(cv2.applyColorMap(levels, cv2.COLORMAP_JET)[:, 0, ::-1]),
    }
    text = json.dumps(golden, separators=(",", ":"))
    for key in ('{"file"', '{"from"', '"decode"', '"resize', '"busi', '"jet'):
        text = text.replace(key, "\n" + key)
    (OUT / "opencv.json").write_text(text + "\n")


main()

"""Makes test/parity/fixtures/pictures.json: small picture files and the RGB bytes that PIL reads from them.

    python test/parity/make/pictures.py

They are read as the processors of Transformers read pictures: upright by EXIF, transparent parts on white.
"""

import base64
import io
import json
import pathlib

import numpy as np
import PIL
from PIL import Image, ImageOps

WIDTH, HEIGHT = 20, 12


def source():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.stack([x * 12, y * 20, (x + y) * 8], axis=-1)
    noise = np.random.default_rng(5).integers(-9, 10, (HEIGHT, WIDTH, 3))
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def written(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def oriented(image, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return written(image, kind, exif=exif)


def read(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if "A" in image.getbands() or image.info.get("transparency") is not None:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
    return np.asarray(image.convert("RGB"))


def main():
    pixels = source()
    rgb = Image.fromarray(pixels)
    alpha = np.random.default_rng(6).integers(0, 256, (HEIGHT, WIDTH, 1)).astype(np.uint8)
    see_through = Image.fromarray(np.concatenate([pixels, alpha], axis=-1))
    second = ImageOps.invert(rgb)
    files = {
        "rgb.png": written(rgb, "PNG"), "rgba.png": written(see_through, "PNG"), "la.png": written(see_through.convert("LA"), "PNG"),
        "grey.png": written(rgb.convert("L"), "PNG"), "bits.png": written(rgb.convert("1"), "PNG"),
        "palette.png": written(rgb.quantize(16), "PNG"), "palette-transparent.png": written(rgb.quantize(16), "PNG", transparency=3),
        "rgb-transparent.png": written(rgb.quantize(4).convert("RGB"), "PNG", transparency=tuple(rgb.quantize(4).convert("RGB").getpixel((3, 3)))),
        "full.jpg": written(rgb, "JPEG", quality=90, subsampling=0), "half.jpg": written(rgb, "JPEG", quality=70, subsampling=2),
        "progressive.jpg": written(rgb, "JPEG", progressive=True), "grey.jpg": written(rgb.convert("L"), "JPEG"),
        "cmyk.jpg": written(rgb.convert("CMYK"), "JPEG", quality=95), "cmyk.tif": written(rgb.convert("CMYK"), "TIFF"),
        "rgb.tif": written(rgb, "TIFF"), "lossy.webp": written(rgb, "WEBP", quality=80), "alpha.webp": written(see_through, "WEBP", lossless=True),
        "first-of-two.gif": written(rgb.quantize(32), "GIF", save_all=True, append_images=[second.quantize(32)]),
        "first-of-two.webp": written(rgb, "WEBP", save_all=True, append_images=[second], lossless=True, duration=100),
        **{f"orientation-{n}.jpg": oriented(rgb, "JPEG", n) for n in range(1, 9)},
        **{f"orientation-{n}.png": oriented(see_through, "PNG", n) for n in (3, 6)},
    }
    pictures = []
    for name, data in files.items():
        result = read(data)
        pictures.append(dict(name=name, width=result.shape[1], height=result.shape[0], file=base64.b64encode(data).decode(),
                             rgb=base64.b64encode(result.tobytes()).decode()))
    path = pathlib.Path(__file__).parent.parent / "fixtures" / "pictures.json"
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in pictures)
    path.write_text(f'{{"pillow":"{PIL.__version__}","pictures":[\n{lines}\n]}}\n')
    print(len(pictures), path.stat().st_size)


main()

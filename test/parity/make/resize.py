"""Makes test/parity/fixtures/resize.json: what PIL's Image.resize gives for small random pictures.

Run with Pillow 11.3.0 and NumPy 2.2.6:  python test/parity/make/resize.py
"""

import base64
import json
import pathlib

import numpy as np
import PIL
from PIL import Image

FILTERS = {"box": Image.BOX, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
# (width, height) of the source and of the targets: smaller, larger, mixed, one axis unchanged, extreme.
CASES = [
    ((13, 9), [(5, 4), (26, 18), (7, 20), (13, 4), (6, 9), (1, 1)]),
    ((40, 31), [(12, 8), (15, 31), (3, 29)]),
    ((1, 1), [(4, 3)]),
    ((2, 57), [(5, 6)]),
]


def encode(image):
    return base64.b64encode(np.asarray(image).tobytes()).decode()


def main():
    rng = np.random.default_rng(7)
    sources = []
    for (width, height), targets in CASES:
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        # Hard edges, where the wide filters over- and undershoot.
        hard = np.where(rng.random((height, width, 3)) < 0.5, 0, 255).astype(np.uint8)
        for pixels in (noise, hard):
            image = Image.fromarray(pixels)
            results = [
                {"filter": name, "width": w, "height": h, "data": encode(image.resize((w, h), kernel))}
                for w, h in targets
                for name, kernel in FILTERS.items()
            ]
            sources.append({"width": width, "height": height, "data": encode(image), "results": results})
    path = pathlib.Path(__file__).parent.parent / "fixtures" / "resize.json"
    path.write_text(json.dumps({"pillow": PIL.__version__, "sources": sources}, separators=(",", ":")) + "\n")


main()

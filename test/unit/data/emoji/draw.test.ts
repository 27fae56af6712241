import { describe, expect, it } from 'vitest';

import { DEFAULT_AUGMENTATION, EmojiPainter } from '../../../../src/data/emoji/augment.ts';
import { BACKGROUNDS, paintBackground, type Background } from '../../../../src/data/emoji/background.ts';
import {
  CENTERED,
  colourMatrix,
  compose,
  drawSprite,
  flattenColours,
  inkEdges,
} from '../../../../src/data/emoji/draw.ts';
import { buildSprites, isDrawn, levelOffset, meanColour } from '../../../../src/data/emoji/sprites.ts';
import { sampleRandom } from '../../../../src/data/dataset.ts';
import { Random } from '../../../../src/core/index.ts';

/** One drawing, 16 × 16: left half opaque red, right half opaque blue, with a transparent top quarter. */
const straight = Uint8Array.from({ length: 16 * 16 * 4 }, (_, i) => {
  const x = (i >> 2) % 16;
  const y = i >> 6;
  return [x < 8 ? 255 : 0, 0, x < 8 ? 0 : 255, y < 4 ? 0 : 255][i & 3]!;
});
const sprites = buildSprites('test', 16, 1, straight);

describe('buildSprites', () => {
  it('premultiplies and halves', () => {
    expect([...sprites.pixels.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    const bottom = (side: number, level: number, x: number): number[] => {
      const at = levelOffset(sprites, 0, level) + ((side - 1) * side + x) * 4;
      return [...sprites.pixels.subarray(at, at + 4)];
    };
    expect([bottom(16, 0, 0), bottom(8, 1, 7), bottom(4, 2, 0)]).toEqual([
      [255, 0, 0, 255],
      [0, 0, 255, 255],
      [255, 0, 0, 255],
    ]);
    expect(sprites.pixels).toHaveLength((256 + 64 + 16) * 4);
    expect(() => buildSprites('x', 16, 2, straight)).toThrow('2 drawings');
    expect(() => buildSprites('x', 6, 1, new Uint8Array(144))).toThrow('cannot be halved');
  });
});

describe('sprites of a set that lacks some', () => {
  const none = new Uint8Array(16 * 16 * 4);
  const partial = buildSprites('partial', 16, 3, Uint8Array.from([...none, ...straight, ...none]));
  it('take room for what there is alone, and are drawn as in a whole set', () => {
    expect([0, 1, 2].map((index) => isDrawn(partial, index))).toEqual([false, true, false]);
    expect(partial.pixels).toEqual(sprites.pixels);
    const draw = (set: typeof sprites, index: number): Float32Array => {
      const layer = new Float32Array(10 * 10 * 4);
      drawSprite(set, index, CENTERED, layer, 10);
      return layer;
    };
    expect(draw(partial, 1)).toEqual(draw(sprites, 0));
  });
  it('know their mean colour, whatever is transparent', () => {
    expect(meanColour(partial, 1)).toEqual([127.5, 0, 127.5]);
  });
});

describe('drawSprite', () => {
  const draw = (placement: object, size = 16): Float32Array => {
    const layer = new Float32Array(size * size * 4).fill(99);
    drawSprite(sprites, 0, { ...CENTERED, scale: 1, ...placement }, layer, size);
    return layer;
  };
  const pixel = (layer: Float32Array, x: number, y: number, size = 16): number[] =>
    [...layer.subarray((y * size + x) * 4, (y * size + x) * 4 + 4)].map((value) => Math.round(value));

  it('copies pixel for pixel at full scale', () => {
    expect([...draw({})]).toEqual([...sprites.pixels.subarray(0, 1024)]);
  });

  it('mirrors, turns, shifts and shrinks', () => {
    expect(pixel(draw({ mirror: true }), 2, 10)).toEqual([0, 0, 255, 255]);
    // A quarter turn: the left, red half comes to the top.
    expect(pixel(draw({ angle: Math.PI / 2 }), 5, 2)).toEqual([255, 0, 0, 255]);
    expect(pixel(draw({ centerX: 1 }), 4, 10)).toEqual([0, 0, 0, 0]);
    expect(pixel(draw({ centerX: 1 }), 12, 10)).toEqual([255, 0, 0, 255]);
    const small = draw({ scale: 0.25 });
    expect(pixel(small, 6, 8)).toEqual([255, 0, 0, 255]);
    expect(pixel(small, 3, 8)).toEqual([0, 0, 0, 0]);
  });

  it('draws in few colours', () => {
    const layer = Float32Array.of(100, 160, 250, 255, 50, 80, 125, 127.5, 0, 0, 0, 0, 9, 9, 9, 0.5);
    flattenColours(layer, 2, 3);
    expect([...layer.subarray(0, 4)]).toEqual([127.5, 127.5, 255, 255]);
    // The same colour at half its alpha.
    expect([...layer.subarray(4, 8)]).toEqual([63.75, 63.75, 127.5, 127.5]);
    expect([...layer.subarray(8)]).toEqual([0, 0, 0, 0, 9, 9, 9, 0.5]);
  });

  it('draws edges in ink', () => {
    const layer = draw({});
    inkEdges(layer, 16, 1);
    expect(pixel(layer, 7, 10)).toEqual([0, 0, 0, 255]);
    expect(pixel(layer, 3, 10)).toEqual([255, 0, 0, 255]);
    expect(pixel(layer, 3, 3)).toEqual([0, 0, 0, 255]);
  });
});

describe('colours', () => {
  const through = (matrix: Float64Array, rgb: number[], alpha = 255): number[] => {
    const canvas = new Float32Array([100, 100, 100]);
    compose(Float32Array.of(...rgb.map((value) => (value * alpha) / 255), alpha), matrix, canvas, 0, 1);
    return [...canvas].map((value) => Math.round(value));
  };
  it('stay as they are, turn grey, lighten, and blend with what is behind', () => {
    expect(through(colourMatrix(0, 1, 1, 0, [1, 1, 1]), [10, 20, 30])).toEqual([10, 20, 30]);
    const grey = through(colourMatrix(0, 0, 1, 0, [1, 1, 1]), [200, 50, 0]);
    expect(grey).toEqual(Array(3).fill(Math.round(0.299 * 200 + 0.587 * 50)));
    expect(through(colourMatrix(0, 1, 1, 0.1, [1, 1, 1]), [10, 20, 250])).toEqual([36, 46, 255]);
    expect(through(colourMatrix(0, 1, 1, 0, [1, 1, 1]), [200, 200, 200], 127.5)).toEqual([150, 150, 150]);
    // A third of a turn of the hue takes red to green.
    const turned = through(colourMatrix((2 * Math.PI) / 3, 1, 1, 0, [1, 1, 1]), [200, 0, 0]);
    expect(turned[1]).toBeGreaterThan(turned[0]!);
  });
});

describe('paintBackground', () => {
  it.each([...BACKGROUNDS])('fills all of the canvas with values from 0 to 255: %s', (kind: Background) => {
    const canvas = new Float32Array(2 * 3 * 49).fill(-1);
    for (let i = 0; i < 20; i++) {
      paintBackground(kind, new Random(i), canvas, 3 * 49, 7);
      expect(canvas.subarray(0, 3 * 49).every((value) => value === -1)).toBe(true);
      expect(canvas.subarray(3 * 49).every((value) => value >= 0 && value <= 255)).toBe(true);
    }
  });
});

describe('EmojiPainter', () => {
  it('gives equal pictures for equal random numbers, others for others, all within range', () => {
    const painter = new EmojiPainter(12, { ...DEFAULT_AUGMENTATION, noise: 1, patch: 1, ink: 1, mirror: 1 });
    const paint = (index: number): Float32Array => {
      const out = new Float32Array(3 * 144).fill(Number.NaN);
      painter.augmented(sprites, 0, sampleRandom(1, 0, index), true, out, 0);
      return out;
    };
    expect(paint(1)).toEqual(paint(1));
    expect(paint(1)).not.toEqual(paint(2));
    for (let i = 0; i < 50; i++) expect(paint(i).every((value) => value >= -1.0001 && value <= 1.0001)).toBe(true);
  });

  it('shows a test picture centred on white', () => {
    const out = new Float32Array(3 * 256);
    new EmojiPainter(16).plain(sprites, 0, out, 0);
    expect([out[0], out[256], out[512]]).toEqual([1, 1, 1]);
    expect([out[10 * 16 + 4], out[256 + 10 * 16 + 4], out[512 + 10 * 16 + 4]]).toEqual([1, -1, -1]);
  });
});

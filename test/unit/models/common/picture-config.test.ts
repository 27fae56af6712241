import { describe, expect, it } from 'vitest';
import { CheckpointError, DataError } from '../../../../src/core/index.ts';
import { picture } from '../../../../src/data/index.ts';
import {
  CENTERED_PIXELS,
  parsePictureConfig,
  type PictureDefaults,
} from '../../../../src/models/common/picture-config.ts';
import {
  fixedSize,
  outputSize,
  PictureProcessor,
  roundHalfEven,
} from '../../../../src/models/common/picture-processor.ts';

const DEFAULTS: PictureDefaults = {
  size: { kind: 'shortest', side: 20 },
  square: false,
  crop: { height: 18, width: 16 },
  filter: 'bicubic',
  ...CENTERED_PIXELS,
};
const parse = (preprocessor: unknown, defaults: PictureDefaults = DEFAULTS) =>
  parsePictureConfig({ preprocessor }, defaults);

describe('parsePictureConfig', () => {
  it('takes what a family assumes where keys are absent', () => {
    expect(parse({})).toEqual({
      size: { kind: 'shortest', side: 20 },
      crop: { height: 18, width: 16 },
      filter: 'bicubic',
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      deviation: [0.5, 0.5, 0.5],
    });
  });

  it.each([
    [30, { kind: 'shortest', side: 30 }],
    [[30, 40], { kind: 'exact', height: 30, width: 40 }],
    [
      { height: 30, width: 40 },
      { kind: 'exact', height: 30, width: 40 },
    ],
    [{ shortest_edge: 30 }, { kind: 'shortest', side: 30 }],
    [
      { shortest_edge: 30, longest_edge: 50 },
      { kind: 'shortest', side: 30, most: 50 },
    ],
    [{ longest_edge: 50 }, { kind: 'longest', side: 50 }],
    [
      { max_height: 30, max_width: 40 },
      { kind: 'within', height: 30, width: 40 },
    ],
    [
      { height: 30, width: 40, shortest_edge: null },
      { kind: 'exact', height: 30, width: 40 },
    ],
    [null, DEFAULTS.size],
  ])('reads size %j', (size, expected) => {
    expect(parse({ size }).size).toEqual(expected);
  });

  it('reads other keys in each of their spellings', () => {
    expect(parse({ size: 30 }, { ...DEFAULTS, square: true }).size).toEqual({ kind: 'exact', height: 30, width: 30 });
    expect(parse({ crop_size: 12 }).crop).toEqual({ height: 12, width: 12 });
    expect(parse({ crop_size: [12, 13] }).crop).toEqual({ height: 12, width: 13 });
    expect(parse({ image_mean: 0.25, image_std: 2 })).toMatchObject({ mean: [0.25, 0.25, 0.25], deviation: [2, 2, 2] });
    expect(parse({ do_resize: false, do_center_crop: false, do_rescale: false, do_normalize: false })).toMatchObject({
      size: undefined,
      crop: undefined,
      scale: undefined,
      deviation: undefined,
    });
    // The picture's part of one file for everything counts before the file of its own.
    const files = { preprocessor: { resample: 1 }, processor: { image_processor: { resample: 2 }, other: 1 } };
    expect(parsePictureConfig(files, DEFAULTS).filter).toBe('bilinear');
    expect(parsePictureConfig({ ...files, processor: { other: 1 } }, DEFAULTS).filter).toBe('lanczos');
  });

  it.each([
    [[], /preprocessor_config\.json/],
    ['text', /preprocessor_config\.json/],
    [{ size: -1 }, /size/],
    [{ size: 1e9 }, /size/],
    [{ size: { height: 3 } }, /size must have height and width/],
    [{ size: { shortest_edge: 1.5 } }, /size/],
    [{ size: [1, 2, 3] }, /size/],
    [{ crop_size: { height: 3 } }, /crop_size/],
    [{ resample: 0 }, /resample: only 1 \(Lanczos\)/],
    [{ resample: 'bicubic' }, /resample/],
    [{ image_std: [0, 1, 1] }, /image_std/],
    [{ image_std: [1, 1] }, /image_std/],
    [{ image_mean: ['a', 1, 1] }, /image_mean/],
    [{ rescale_factor: 0 }, /rescale_factor/],
    [{ do_resize: 'yes' }, /do_resize/],
  ])('refuses %j', (json, message) => {
    expect(() => parse(json)).toThrow(message);
    expect(() => parse(json)).toThrow(CheckpointError);
  });

  it('says what is missing', () => {
    expect(() => parsePictureConfig({}, DEFAULTS)).toThrow(/no preprocessor_config\.json/);
    expect(() => parsePictureConfig({ processor: null }, DEFAULTS)).toThrow(/no preprocessor_config\.json/);
    const { crop: _, ...rest } = DEFAULTS;
    expect(() => parse({ do_center_crop: true }, rest)).toThrow(/do_center_crop without crop_size/);
  });
});

describe('sizes', () => {
  const sides = { height: 30, width: 100 };

  it('keep proportions as they are told to', () => {
    expect(outputSize(sides, { kind: 'exact', height: 1, width: 2 })).toEqual([1, 2]);
    expect(outputSize(sides, { kind: 'shortest', side: 20 })).toEqual([20, 66]);
    expect(outputSize(sides, { kind: 'shortest', side: 20, most: 50 })).toEqual([15, 50]);
    expect(outputSize(sides, { kind: 'within', height: 20, width: 50 })).toEqual([15, 50]);
    expect(outputSize({ height: 1, width: 300 }, { kind: 'within', height: 9, width: 50 })).toEqual([1, 50]);
    expect(() => outputSize(sides, { kind: 'longest', side: 50 })).toThrow(CheckpointError);
    expect(() => outputSize({ height: 1, width: 300 }, { kind: 'shortest', side: 20, most: 50 })).toThrow(/too narrow/);
  });

  it('are known beforehand only where every picture gets the same', () => {
    expect(fixedSize(parse({}))).toEqual([18, 16]);
    expect(fixedSize(parse({ do_center_crop: false, size: [3, 4] }))).toEqual([3, 4]);
    expect(() => fixedSize(parse({ do_center_crop: false }))).toThrow(/not bring pictures to one size/);
  });

  it('rounds halves to even numbers', () => {
    expect([0.5, 1.5, 2.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, 2, 3]);
  });
});

describe('PictureProcessor', () => {
  it('refuses a picture that would take gigabytes between two passes', () => {
    const processor = new PictureProcessor(parse({ size: [300, 300], do_center_crop: false }));
    expect(() => processor.batch([picture(1, 1_000_000, 3)])).toThrow(DataError);
    expect(() => new PictureProcessor(parse({})).batch([picture(1, 1_000_000, 3)])).toThrow(/takes \d+ bytes/);
  });

  it('says that pictures of unequal size make no batch', () => {
    const processor = new PictureProcessor(parse({ do_resize: false, do_center_crop: false }));
    expect(processor.batch([picture(3, 2, 3)]).shape).toEqual([1, 3, 2, 3]);
    expect(() => processor.batch([picture(3, 2, 3), picture(2, 3, 3)])).toThrow(
      /picture 1 is 2 × 3, the first one 3 × 2/,
    );
    expect(() => processor.batch([])).toThrow(/no picture/);
  });
});

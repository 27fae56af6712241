/** `preprocessor_config.json` and `processor_config.json`: what is done to a picture before a model sees it. */
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import type { ResizeFilter } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';

/** The files of a checkpoint that tell of processing, parsed as JSON only. */
export interface ProcessorFiles {
  /** `preprocessor_config.json` */
  readonly preprocessor?: unknown;
  /** `processor_config.json` */
  readonly processor?: unknown;
}

/** What a picture is resized to. */
export type PictureSize =
  | { readonly kind: 'exact'; readonly height: number; readonly width: number }
  /** The shorter side becomes `side`, unless the longer one would exceed `most` then. */
  | { readonly kind: 'shortest'; readonly side: number; readonly most?: number }
  | { readonly kind: 'longest'; readonly side: number }
  /** As large as fits. */
  | { readonly kind: 'within'; readonly height: number; readonly width: number };

/** What becomes of the bytes of a picture. */
export interface PixelConfig {
  readonly filter: ResizeFilter;
  /** Factor on bytes, 1 / 255 nearly always; undefined where they stay as they are. */
  readonly scale: number | undefined;
  readonly mean: Channels;
  /** undefined: no normalisation. */
  readonly deviation: Channels | undefined;
}

/** What is done to a picture: it is resized, cropped, scaled and normalised. */
export interface PictureConfig extends PixelConfig {
  /** undefined: it keeps its size. */
  readonly size: PictureSize | undefined;
  /** The middle of it is cut out, on black where it is smaller. */
  readonly crop: { readonly height: number; readonly width: number } | undefined;
}

export type Channels = readonly [red: number, green: number, blue: number];

/** What Transformers assumes of a family where its files leave keys out. */
export interface PixelDefaults {
  readonly filter: ResizeFilter;
  readonly mean: Channels;
  readonly deviation: Channels;
}

/** As {@link PixelDefaults}, with sizes. */
export interface PictureDefaults extends PixelDefaults {
  readonly size: PictureSize;
  readonly crop?: { readonly height: number; readonly width: number };
  /** Whether a single number as `size` means a square; else it is the shorter side. */
  readonly square: boolean;
}

/** Means and deviations of the pictures that CLIP was trained on. */
export const CLIP_PIXELS: { readonly mean: Channels; readonly deviation: Channels } = {
  mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
  deviation: [0.268_629_54, 0.261_302_58, 0.275_777_11],
};
/** Maps 0 … 1 to −1 … 1. */
export const CENTERED_PIXELS: { readonly mean: Channels; readonly deviation: Channels } = {
  mean: [0.5, 0.5, 0.5],
  deviation: [0.5, 0.5, 0.5],
};

const pixels = z.int().min(1).max(16_384);
/** Numbers of PIL's filters. */
const FILTERS: Readonly<Record<number, ResizeFilter>> = { 1: 'lanczos', 2: 'bilinear', 3: 'bicubic', 4: 'box' };

const filterSchema = z
  .int()
  .refine((value) => Object.hasOwn(FILTERS, value), 'only 1 (Lanczos), 2 (bilinear), 3 (bicubic) and 4 (box) are known')
  .transform((value) => FILTERS[value]!);

const channelsSchema = z
  .union([z.number(), z.tuple([z.number(), z.number(), z.number()])])
  .transform((value): Channels => (typeof value === 'number' ? [value, value, value] : value));
const deviationSchema = channelsSchema.refine((values) => values.every((value) => value > 0), 'must be positive');

const sizeSchema = z.union([
  pixels,
  z.tuple([pixels, pixels]),
  z.looseObject({
    height: pixels.nullish(),
    width: pixels.nullish(),
    shortest_edge: pixels.nullish(),
    longest_edge: pixels.nullish(),
    max_height: pixels.nullish(),
    max_width: pixels.nullish(),
  }),
]);
type SizeKeys = z.infer<typeof sizeSchema>;

const cropSchema = z
  .union([pixels, z.tuple([pixels, pixels]), z.looseObject({ height: pixels, width: pixels })])
  .transform((given) => {
    if (typeof given === 'number') return { height: given, width: given };
    return Array.isArray(given) ? { height: given[0], width: given[1] } : { height: given.height, width: given.width };
  });

const pixelKeys = {
  do_resize: z.boolean().nullish(),
  resample: filterSchema.nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().positive().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: channelsSchema.nullish(),
  image_std: deviationSchema.nullish(),
};
const pixelSchema = z.looseObject(pixelKeys);
const pictureSchema = z.looseObject({
  ...pixelKeys,
  size: sizeSchema.nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: cropSchema.nullish(),
});

/** The part of the files that tells of pictures, with its name for messages. @throws CheckpointError when there is none */
export function pictureJson(files: ProcessorFiles): { readonly json: unknown; readonly file: string } {
  // Newer releases write everything into one file; where both are there, that one counts.
  const { processor, preprocessor } = files;
  if (typeof processor === 'object' && processor !== null && 'image_processor' in processor)
    return { json: processor.image_processor, file: 'processor_config.json: image_processor' };
  if (preprocessor !== undefined) return { json: preprocessor, file: 'preprocessor_config.json' };
  throw new CheckpointError(
    'no preprocessor_config.json, which tells how pictures are prepared',
    'fetch the checkpoint again with all its files',
  );
}

/** Keys of `processor_config.json`, or of nothing where it is absent. @throws CheckpointError */
export function parseProcessorKeys<T>(schema: z.ZodType<T>, files: ProcessorFiles): T {
  return parseConfig(schema, files.processor ?? {}, 'processor_config.json');
}

/** Whether pictures are resized at all, and what becomes of their bytes. @throws CheckpointError */
export function parsePixelConfig(
  files: ProcessorFiles,
  defaults: PixelDefaults,
): PixelConfig & { readonly resizes: boolean } {
  const { json, file } = pictureJson(files);
  const keys = parseConfig(pixelSchema, json, file);
  return { resizes: keys.do_resize ?? true, ...pixelConfig(keys, defaults) };
}

/**
 * What the files of a checkpoint say about its pictures, in older and newer spellings.
 * @throws CheckpointError when there is no such file, or a key is wrong
 */
export function parsePictureConfig(files: ProcessorFiles, defaults: PictureDefaults): PictureConfig {
  const { json, file } = pictureJson(files);
  const keys = parseConfig(pictureSchema, json, file);
  const size = isAbsent(keys.size) ? defaults.size : sizeOf(keys.size, defaults.square, file);
  const crop = keys.crop_size ?? defaults.crop;
  const crops = keys.do_center_crop ?? defaults.crop !== undefined;
  if (crops && crop === undefined)
    throw new CheckpointError(`${file}: do_center_crop without crop_size`, 'correct the file');
  return {
    ...pixelConfig(keys, defaults),
    size: keys.do_resize === false ? undefined : size,
    crop: crops ? crop : undefined,
  };
}

function pixelConfig(keys: z.infer<typeof pixelSchema>, defaults: PixelDefaults): PixelConfig {
  return {
    filter: keys.resample ?? defaults.filter,
    scale: keys.do_rescale === false ? undefined : (keys.rescale_factor ?? 1 / 255),
    mean: keys.image_mean ?? defaults.mean,
    deviation: keys.do_normalize === false ? undefined : (keys.image_std ?? defaults.deviation),
  };
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function sizeOf(keys: SizeKeys, square: boolean, file: string): PictureSize {
  if (typeof keys === 'number')
    return square ? { kind: 'exact', height: keys, width: keys } : { kind: 'shortest', side: keys };
  if (Array.isArray(keys)) return { kind: 'exact', height: keys[0], width: keys[1] };
  const { height, width, shortest_edge: shortest, longest_edge: longest, max_height, max_width } = keys;
  if (!isAbsent(shortest)) return { kind: 'shortest', side: shortest, ...(isAbsent(longest) ? {} : { most: longest }) };
  if (!isAbsent(longest)) return { kind: 'longest', side: longest };
  if (!isAbsent(max_height) && !isAbsent(max_width)) return { kind: 'within', height: max_height, width: max_width };
  if (!isAbsent(height) && !isAbsent(width)) return { kind: 'exact', height, width };
  throw new CheckpointError(
    `${file}: size must have height and width, shortest_edge, longest_edge, or max_height and max_width`,
    'correct the file, or fetch the checkpoint again',
  );
}

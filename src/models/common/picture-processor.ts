/** Pictures as vision models take them: resized as PIL does, cropped and normalised. */
// B pictures, H and W their height and width
import { CheckpointError, DataError, hostTensor, type HostTensor, ShapeError } from '../../core/index.ts';
import {
  centerCrop,
  type Colour,
  crop,
  onBackground,
  type Picture,
  type RelativeBox,
  resize,
} from '../../data/index.ts';
import type { Channels, PictureConfig, PictureSize, PixelConfig } from './picture-config.ts';

const BLACK: Colour = [0, 0, 0];

/**
 * What `preprocessor_config.json` says is done to a picture. Results are those of the PIL backend of Transformers, to the
 * last bit of the normalised number.
 *
 * Transparent parts are laid on white, as that backend does, and for all families: those whose files have no
 * `do_convert_rgb` (ViT) cannot take them at all there.
 */
export class PictureProcessor {
  readonly config: PictureConfig;
  readonly pixels: PixelTables;

  constructor(config: PictureConfig) {
    this.config = config;
    this.pixels = new PixelTables(config);
  }

  /** Resized and cropped, in bytes. @throws DataError where one of very uneven sides would become too large */
  fit(source: Picture): Picture {
    const { size, filter, crop: middle } = this.config;
    let picture = onBackground(source);
    if (size !== undefined) {
      const [height, width] = outputSize(picture, size);
      picture = resize(picture, width, height, filter);
    }
    return middle === undefined ? picture : centerCrop(picture, middle.width, middle.height, BLACK);
  }

  /** The part of a picture that {@link fit} keeps, in parts of its sides; beyond them where it fills up. */
  frame(source: Pick<Picture, 'width' | 'height'>): RelativeBox {
    const { size, crop: middle } = this.config;
    const [height, width] = size === undefined ? [source.height, source.width] : outputSize(source, size);
    if (middle === undefined) return [0, 0, 1, 1];
    const [left, top] = [Math.floor((width - middle.width) / 2), Math.floor((height - middle.height) / 2)];
    return [left / width, top / height, (left + middle.width) / width, (top + middle.height) / height];
  }

  /**
   * A batch.
   * @returns [B, 3, H, W]
   * @throws DataError when there is none, or sizes differ because the files leave them as they are
   */
  batch(pictures: readonly Picture[]): HostTensor<'float32'> {
    return this.pixels.batch(pictures.map((picture) => this.fit(picture)));
  }
}

/** The number that each byte of each channel becomes. */
export class PixelTables {
  readonly #tables: readonly Float32Array[];

  constructor({ scale, mean, deviation }: Pick<PixelConfig, 'scale' | 'mean' | 'deviation'>) {
    this.#tables = [0, 1, 2].map((channel) => table(channel, scale, mean, deviation));
  }

  /** @returns [B, 3, H, W]  @throws DataError when there is none, or sizes differ */
  batch(pictures: readonly Picture[]): HostTensor<'float32'> {
    const first = pictures[0];
    if (first === undefined) throw new DataError('there is no picture to make a batch of');
    const { width, height } = first;
    const out = new Float32Array(pictures.length * 3 * width * height);
    for (const [index, picture] of pictures.entries()) {
      if (picture.width !== width || picture.height !== height)
        throw new DataError(
          `picture ${index} is ${picture.width} × ${picture.height}, the first one ${width} × ${height}`,
          'give them one by one: this checkpoint does not bring pictures to one size',
        );
      this.write(picture, out, index * 3 * width * height);
    }
    return hostTensor('float32', [pictures.length, 3, height, width], out);
  }

  /** Writes [3, H, W] at `at`. */
  write({ data, channels, width, height }: Picture, out: Float32Array, at: number): void {
    if (channels !== 3) throw new ShapeError('a picture with alpha', 'lay it on a background first (onBackground)');
    const area = width * height;
    for (let c = 0; c < 3; c++) {
      const values = this.#tables[c]!;
      const to = at + c * area;
      for (let i = 0; i < area; i++) out[to + i] = values[data[i * 3 + c]!]!;
    }
  }

  /** The number that a byte becomes. */
  value(channel: number, byte: number): number {
    return this.#tables[channel]![byte]!;
  }
}

/** Rounded to float32 after every step where NumPy does. */
function table(
  channel: number,
  scale: number | undefined,
  mean: Channels,
  deviation: Channels | undefined,
): Float32Array {
  const values = new Float32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const scaled = scale === undefined ? byte : Math.fround(byte * scale);
    values[byte] =
      deviation === undefined
        ? scaled
        : Math.fround(scaled - Math.fround(mean[channel]!)) / Math.fround(deviation[channel]!);
  }
  return values;
}

/** Height and width that a picture is resized to. */
export function outputSize(
  { height, width }: { readonly height: number; readonly width: number },
  size: PictureSize,
): readonly [height: number, width: number] {
  switch (size.kind) {
    case 'exact':
      return [size.height, size.width];
    case 'shortest':
      return shortestSide(height, width, size.side, size.most);
    case 'longest':
      throw new CheckpointError(
        'preprocessor_config.json: size has longest_edge alone, which this family does not know',
        'give height and width, or shortest_edge',
      );
    case 'within': {
      const scale = Math.min(size.height / height, size.width / width);
      return [Math.max(1, Math.trunc(height * scale)), Math.max(1, Math.trunc(width * scale))];
    }
  }
}

/** Height and width that every picture has in the end. @throws CheckpointError where that depends on the picture */
export function fixedSize({ size, crop: middle }: PictureConfig): readonly [height: number, width: number] {
  if (middle !== undefined) return [middle.height, middle.width];
  if (size?.kind === 'exact') return [size.height, size.width];
  throw new CheckpointError(
    'preprocessor_config.json does not bring pictures to one size, which this model needs',
    'give size as { height, width }, or do_center_crop with crop_size',
  );
}

function shortestSide(
  height: number,
  width: number,
  side: number,
  most: number | undefined,
): readonly [height: number, width: number] {
  const [short, long] = width <= height ? [width, height] : [height, width];
  let exact = side;
  if (most !== undefined && (long / short) * side > most) exact = (most * short) / long;
  const shorter = most === undefined ? side : roundHalfEven(exact);
  if (shorter < 1)
    throw new DataError(`a picture of ${width} × ${height} is too narrow`, 'cut it into pieces of more even sides');
  if (shorter === short) return [height, width];
  const longer = Math.max(1, Math.trunc((exact * long) / short));
  return width <= height ? [longer, shorter] : [shorter, longer];
}

/** Rounds as Python does: halves to the even neighbour. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** The colour that normalisation takes to about 0, in bytes. */
export function meanColour([red, green, blue]: Channels): Colour {
  return [Math.trunc(red * 255), Math.trunc(green * 255), Math.trunc(blue * 255)];
}

/** In the middle of a square of a plain colour, which is as large as the longer side. */
export function padToMiddle(source: Picture, background: Colour): Picture {
  const side = Math.max(source.width, source.height);
  const left = Math.floor((side - source.width) / 2);
  const top = Math.floor((side - source.height) / 2);
  return crop(onBackground(source), -left, -top, side, side, background);
}

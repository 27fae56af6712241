import { DataError, hostTensor, ShapeError, type HostTensor } from '../core/index.ts';

/** A picture: 8 bits per channel, rows from top to bottom, channels side by side. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 3 for RGB, 4 for RGB and straight alpha. */
  readonly channels: 3 | 4;
  /** height × width × channels bytes. */
  readonly data: Uint8Array;
}

export type Colour = readonly [red: number, green: number, blue: number];
export const WHITE: Colour = [255, 255, 255];

/** Wraps `data` (or zeros). @throws ShapeError when it has another length */
export function picture(
  width: number,
  height: number,
  channels: 3 | 4,
  data: Uint8Array = new Uint8Array(width * height * channels),
): Picture {
  if (data.length !== width * height * channels) {
    throw new ShapeError(
      `a picture of ${width} × ${height} with ${channels} channels needs ${width * height * channels} bytes, got ${data.length}`,
    );
  }
  return { width, height, channels, data };
}

/** Lays a picture with alpha on a plain background; one without alpha comes back as it is. */
export function onBackground(source: Picture, background: Colour = WHITE): Picture {
  if (source.channels === 3) return source;
  const out = new Uint8Array(source.width * source.height * 3);
  for (let p = 0, q = 0; q < out.length; p += 4, q += 3) {
    const alpha = source.data[p + 3]!;
    for (let c = 0; c < 3; c++)
      out[q + c] = Math.round((source.data[p + c]! * alpha + background[c]! * (255 - alpha)) / 255);
  }
  return picture(source.width, source.height, 3, out);
}

/**
 * A rectangle of a picture. Parts outside the picture are filled with `background`, or with the nearest pixels of its border.
 * @param left, top may be negative
 */
export function crop(
  source: Picture,
  left: number,
  top: number,
  width: number,
  height: number,
  background: Colour | 'border' = WHITE,
): Picture {
  if (![left, top, width, height].every(Number.isInteger) || width < 1 || height < 1) {
    throw new DataError(
      `a crop of ${width} × ${height} at ${left}, ${top} is impossible`,
      'give whole numbers and a size from 1 up',
    );
  }
  const { channels } = source;
  const out = new Uint8Array(width * height * channels);
  const outside = left < 0 || top < 0 || left + width > source.width || top + height > source.height;
  if (outside) {
    if (background === 'border') return withBorder(source, left, top, width, height);
    for (let i = 0; i < out.length; i++) out[i] = i % channels === 3 ? 255 : background[i % channels]!;
  }
  const firstX = Math.max(0, left);
  const lastX = Math.min(source.width, left + width);
  for (let y = Math.max(0, top); firstX < lastX && y < Math.min(source.height, top + height); y++) {
    const from = (y * source.width + firstX) * channels;
    out.set(
      source.data.subarray(from, from + (lastX - firstX) * channels),
      ((y - top) * width + firstX - left) * channels,
    );
  }
  return picture(width, height, channels, out);
}

/** A rectangle of a picture, where beyond its border the nearest pixel is. */
function withBorder(
  { data, channels, ...size }: Picture,
  left: number,
  top: number,
  width: number,
  height: number,
): Picture {
  const out = picture(width, height, channels);
  const within = (at: number, length: number): number => Math.min(length - 1, Math.max(0, at));
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (within(top + y, size.height) * size.width + within(left + x, size.width)) * channels;
      for (let c = 0; c < channels; c++) out.data[to++] = data[from + c]!;
    }
  return out;
}

/** The middle of a picture, padded with `background` where it is smaller. */
export function centerCrop(source: Picture, width: number, height: number, background: Colour = WHITE): Picture {
  return crop(
    source,
    Math.floor((source.width - width) / 2),
    Math.floor((source.height - height) / 2),
    width,
    height,
    background,
  );
}

/** Padded with `background` to a square around it. */
export function padToSquare(source: Picture, background: Colour = WHITE): Picture {
  const side = Math.max(source.width, source.height);
  return side === source.width && side === source.height ? source : centerCrop(source, side, side, background);
}

/** By which channel values are normalised: (value / 255 − mean) / deviation. */
export interface ImageNormalization {
  readonly mean: Colour;
  readonly deviation: Colour;
}
/** Maps 0 … 255 to −1 … 1. */
export const CENTERED_NORMALIZATION: ImageNormalization = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] };

/**
 * Pictures of one size as a normalised batch [B, 3, H, W].
 * @throws ShapeError when their sizes differ, DataError when there is none
 */
export function toTensor(
  pictures: readonly Picture[],
  normalization: ImageNormalization = CENTERED_NORMALIZATION,
): HostTensor<'float32'> {
  const first = pictures[0];
  if (first === undefined) throw new DataError('there is no picture to make a batch of');
  const { width, height } = first;
  const area = width * height;
  const out = new Float32Array(pictures.length * 3 * area);
  for (const [n, source] of pictures.entries()) {
    if (source.width !== width || source.height !== height) {
      throw new ShapeError(
        `picture ${n} is ${source.width} × ${source.height}, the first one ${width} × ${height}`,
        'resize all to one size',
      );
    }
    const { data, channels } = onBackground(source);
    for (let c = 0; c < 3; c++) {
      const gain = 1 / (255 * normalization.deviation[c]!);
      const shift = -normalization.mean[c]! / normalization.deviation[c]!;
      const to = (n * 3 + c) * area;
      for (let i = 0; i < area; i++) out[to + i] = data[i * channels + c]! * gain + shift;
    }
  }
  return hostTensor('float32', [pictures.length, 3, height, width], out);
}

/** One picture of a batch [B, 3, H, W], back to bytes; values outside 0 … 255 are clipped. */
export function fromTensor(
  batch: HostTensor<'float32'>,
  index = 0,
  normalization: ImageNormalization = CENTERED_NORMALIZATION,
): Picture {
  const [count, channels, height, width] = batch.shape;
  if (batch.shape.length !== 4 || channels !== 3 || index >= count!)
    throw new ShapeError(`no picture ${index} in a tensor of shape [${batch.shape.join(', ')}]`);
  const area = width! * height!;
  const out = new Uint8ClampedArray(area * 3);
  for (let c = 0; c < 3; c++) {
    const from = (index * 3 + c) * area;
    for (let i = 0; i < area; i++)
      out[i * 3 + c] = (batch.data[from + i]! * normalization.deviation[c]! + normalization.mean[c]!) * 255;
  }
  return picture(width!, height!, 3, new Uint8Array(out.buffer));
}

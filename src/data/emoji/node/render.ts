import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';
import { z } from 'zod';

import { DataError } from '../../../core/index.ts';
import { writeFileAtomic } from '../../../core/node/files.ts';
import type { ReportProgress } from '../../dataset.ts';
import { isPartial, namesInSet, studioOf, type Concept, type DrawingSet } from '../concepts.ts';
import { loadIconSet, packageVersion, type IconSet } from './packages.ts';
import { fitToSquare, paintedBounds } from './trim.ts';

/** What is asked of a set's drawings. */
export interface RenderOptions {
  readonly set: DrawingSet;
  readonly concepts: readonly Concept[];
  /** Side in pixels. */
  readonly size: number;
  /** Folder for the rendered drawings, made when missing; without one nothing is kept. */
  readonly cacheFolder?: string;
  readonly report?: ReportProgress;
}

/**
 * Every concept as drawn in one set: RGBA with straight alpha, concepts × size × size × 4 bytes; a concept that the set
 * lacks stays empty.
 * Read from the cache where it holds this very rendering, otherwise rendered (about 10 s for four studios on two
 * cores) and kept. A damaged cache file is rendered anew.
 * @throws DataError when a drawing cannot be rendered
 */
export async function renderSet(options: RenderOptions): Promise<Uint8Array> {
  const { set, concepts, size, cacheFolder } = options;
  const studio = studioOf(set);
  const names = concepts.map((concept) => (isPartial(studio) ? namesInSet(studio, concept) : concept.icons[studio]));
  const digest = createHash('sha256')
    .update(JSON.stringify([FORMAT, set, await packageVersion(set), size, names]))
    .digest('hex');
  const path =
    cacheFolder === undefined ? undefined : join(cacheFolder, `emoji-${set}-${size}-${digest.slice(0, 12)}.bin`);
  const length = concepts.length * size * size * 4;
  if (path !== undefined) {
    const kept = await readCache(path, digest, length);
    if (kept !== undefined) return kept;
  }
  const pixels = await renderAll(options, length);
  if (path !== undefined && cacheFolder !== undefined) {
    await mkdir(cacheFolder, { recursive: true });
    await writeFileAtomic(path, cacheChunks(pixels, digest));
  }
  return pixels;
}

async function renderAll(options: RenderOptions, length: number): Promise<Uint8Array> {
  const { concepts, size, report } = options;
  const set = await loadIconSet(options.set);
  const pixels = new Uint8Array(length);
  let next = 0;
  let done = 0;
  // Many small pictures: one thread each is faster than several threads on one.
  const threads = sharp.concurrency();
  sharp.concurrency(1);
  try {
    const lane = async (): Promise<void> => {
      while (next < concepts.length) {
        const concept = concepts[next++]!;
        const icon = set.nameOf(concept);
        if (icon !== undefined) pixels.set(await renderOne(set, icon, size), concept.index * size * size * 4);
        report?.(++done, concepts.length, `drawings of ${set.name}`);
      }
    };
    await Promise.all(Array.from({ length: Math.min(8, availableParallelism() + 2) }, lane));
  } finally {
    sharp.concurrency(threads);
  }
  return pixels;
}

/** Drawn larger than needed, since studios leave margins of up to a quarter of each side. */
const OVERSIZE = 2;

/** One drawing, trimmed to what is painted and centred, so that all studios fill the picture alike. */
async function renderOne(set: IconSet, icon: string, size: number): Promise<Uint8Array> {
  try {
    let side = size * OVERSIZE;
    let rgba = await renderSvg(set.svg(icon, side), side);
    let bounds = paintedBounds(rgba, side);
    if (Math.max(bounds.width, bounds.height) < size) {
      // A small drawing in a wide frame: render it so large that it need not be enlarged.
      side = Math.min(8 * size, Math.ceil((size * side) / Math.max(bounds.width, bounds.height)) + 8);
      rgba = await renderSvg(set.svg(icon, side), side);
      bounds = paintedBounds(rgba, side);
    }
    return fitToSquare(rgba, side, bounds, size);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(
      `the drawing ${set.name}/${icon} cannot be rendered: ${reason}`,
      'run npm ci to restore the packages',
      { cause },
    );
  }
}

async function renderSvg(svg: string, side: number): Promise<Uint8Array> {
  const { data, info } = await sharp(Buffer.from(svg))
    .ensureAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width === side && info.height === side && info.channels === 4) return data;
  throw new DataError(
    `got ${info.width} × ${info.height} pixels with ${info.channels} channels, not ${side} × ${side} with 4`,
  );
}

/** Version of the rendering; part of what a cache file is known by. */
const FORMAT = 'sensorium emoji 3';
const headerSchema = z.object({
  format: z.literal(FORMAT),
  digest: z.string(),
  length: z.number(),
  sha256: z.string(),
});

/** Header as one line of JSON, then the pixels. */
function cacheChunks(pixels: Uint8Array, digest: string): Uint8Array[] {
  const sha256 = createHash('sha256').update(pixels).digest('hex');
  const header = { format: FORMAT, digest, length: pixels.length, sha256 };
  return [Buffer.from(`${JSON.stringify(header)}\n`), pixels];
}

/** The pixels, or nothing when the file is missing, of another rendering or damaged. */
async function readCache(path: string, digest: string, length: number): Promise<Uint8Array | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch {
    return undefined;
  }
  const end = bytes.subarray(0, 1000).indexOf(10);
  if (end < 0) return undefined;
  let header: z.infer<typeof headerSchema>;
  try {
    header = headerSchema.parse(JSON.parse(bytes.toString('utf8', 0, end)));
  } catch {
    return undefined;
  }
  const pixels = bytes.subarray(end + 1);
  if (header.digest !== digest || header.length !== length || pixels.length !== length) return undefined;
  return createHash('sha256').update(pixels).digest('hex') === header.sha256 ? pixels : undefined;
}

/** SVG, drawn in a process of its own. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { DataError } from '../../core/index.ts';
import type { Colour } from '../image.ts';

/** Draws what comes in, and gives width, height and RGB; or else says why not and ends with 2. */
const PROGRAM = `
const [sharpAt, maxPixels, r, g, b] = process.argv.slice(1);
const { default: sharp } = await import(sharpAt);
const parts = [];
for await (const part of process.stdin) parts.push(part);
try {
  const source = sharp(Buffer.concat(parts), { limitInputPixels: Number(maxPixels), failOn: 'truncated' });
  const { width, height } = await source.metadata();
  if (width * height > maxPixels) throw new Error('pixel limit');
  const flat = source.flatten({ background: { r: Number(r), g: Number(g), b: Number(b) } }).toColourspace('srgb');
  const { data, info } = await flat.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(info.channels + ' channels');
  const head = Buffer.alloc(8);
  head.writeUInt32LE(info.width);
  head.writeUInt32LE(info.height, 4);
  process.stdout.write(head);
  process.stdout.write(data);
} catch (error) {
  process.stderr.write('\\0' + error.message);
  process.exitCode = 2;
}`;

export interface Drawn {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8Array;
}

/** Whether this may be an SVG, as libvips would tell. */
export function isSvg(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1000)).includes('<svg');
}

/**
 * Draws an SVG on a background.
 *
 * Why in a process of its own: an SVG is a program. A hundred bytes of it may ask for hours of work (filters, elements
 * used a million times), nothing stops the library once it has begun, and a process would even wait for it with its end.
 * A process of its own can be ended.
 * @throws DataError when it takes longer than `seconds`  @throws Error with the library's words where it cannot be drawn
 */
export async function drawSvg(
  bytes: Uint8Array,
  name: string,
  options: { readonly maxPixels: number; readonly background: Colour; readonly seconds: number },
): Promise<Drawn> {
  const { maxPixels, background, seconds } = options;
  const sharpAt = pathToFileURL(createRequire(import.meta.url).resolve('sharp')).href;
  const program = ['--input-type=module', '--eval', PROGRAM, sharpAt, String(maxPixels), ...background.map(String)];
  const child = spawn(process.execPath, program, { stdio: 'pipe' });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  // It may end before it has read everything.
  child.stdin.on('error', () => {});
  child.stdin.end(bytes);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, seconds * 1000);
  const code = await new Promise<number | null>((done, fail) => child.on('error', fail).on('close', done));
  clearTimeout(timer);
  if (late) throw new DataError(`${name} takes more than ${seconds} seconds to draw`, 'save it as a PNG');
  // The library writes warnings of its own before.
  if (code !== 0) throw new Error(Buffer.concat(errors).toString().split('\0').at(-1)!.slice(0, 500) || 'no result');
  const all = Buffer.concat(output);
  return { width: all.readUInt32LE(0), height: all.readUInt32LE(4), data: new Uint8Array(all.subarray(8)) };
}

/** Takes pictures in: each is drawn anew on a canvas, so that only its pixels go to the server (no place, no camera, no date). */

export interface TakenPicture {
  readonly id: number;
  readonly name: string;
  /** Data URL of what is sent and shown. */
  readonly url: string;
  readonly width: number;
  readonly height: number;
  /** Name of the sample that it is, if it is one. */
  readonly sample?: string;
}

/** Longest side that is sent, in pixels; models see fewer. */
const LONGEST = 1024;
const MOST_PIXELS = 80e6;
const MOST_BYTES = 40e6;
/** Side of a drawing that names none (SVG). */
const DRAWING = 512;
/** A PNG larger than this becomes a JPEG. */
const LARGE_PNG = 1.5e6;

export type PictureProblem = 'not-a-picture' | 'too-large';

export class PictureError extends Error {
  readonly problem: PictureProblem;
  readonly file: string;

  constructor(problem: PictureProblem, file: string) {
    super(`${file}: ${problem}`);
    this.name = 'PictureError';
    this.problem = problem;
    this.file = file;
  }
}

let taken = 0;

/** @throws PictureError */
export async function takePicture(file: Blob, name: string, sample?: string): Promise<TakenPicture> {
  if (file.size > MOST_BYTES) throw new PictureError('too-large', name);
  const address = URL.createObjectURL(file);
  try {
    const image = await load(address, name);
    const { width, height } = sizeOf(image);
    if (width * height > MOST_PIXELS) throw new PictureError('too-large', name);
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = canvas.getContext('2d')!;
    context.imageSmoothingQuality = 'high';
    // What is transparent would be black to some models.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const png = file.type === 'image/jpeg' ? '' : canvas.toDataURL('image/png');
    const url = png === '' || png.length > LARGE_PNG ? canvas.toDataURL('image/jpeg', 0.92) : png;
    return { id: ++taken, name, url, width: canvas.width, height: canvas.height, ...(sample ? { sample } : {}) };
  } finally {
    URL.revokeObjectURL(address);
  }
}

async function load(address: string, name: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
    return image;
  } catch {
    throw new PictureError('not-a-picture', name);
  }
}

function sizeOf(image: HTMLImageElement): { width: number; height: number } {
  const { naturalWidth: width, naturalHeight: height } = image;
  return width > 0 && height > 0 ? { width, height } : { width: DRAWING, height: DRAWING };
}

/** A picture by its address on this server or within the page (a sample of ours, a data URL). @throws PictureError */
export async function takeFrom(address: string, name: string, sample?: string): Promise<TakenPicture> {
  // fetch() may not read data URLs under the page's policy; the bytes are there anyway.
  if (address.startsWith('data:')) return takePicture(bytesOf(address, name), name, sample);
  const response = await fetch(address);
  if (!response.ok) throw new PictureError('not-a-picture', name);
  return takePicture(await response.blob(), name, sample);
}

function bytesOf(url: string, name: string): Blob {
  const found = /^data:([^,;]*)[^,]*?(;base64)?,(.*)$/s.exec(url);
  if (found === null) throw new PictureError('not-a-picture', name);
  try {
    const text = found[2] === undefined ? decodeURIComponent(found[3]!) : atob(found[3]!);
    const bytes =
      found[2] === undefined ? new TextEncoder().encode(text) : Uint8Array.from(text, (c) => c.charCodeAt(0));
    return new Blob([bytes], { type: found[1]! });
  } catch {
    throw new PictureError('not-a-picture', name);
  }
}

/** Pictures among what was dropped or pasted. */
export function picturesIn(transfer: DataTransfer | null): File[] {
  return [...(transfer?.files ?? [])].filter(({ type }) => type.startsWith('image/'));
}

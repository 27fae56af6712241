import type { Random } from '../../core/index.ts';

/** A rectangle to be placed; lengths are parts of the picture's side. */
export interface Piece {
  readonly width: number;
  readonly height: number;
  /** The smallest factor by which it may be made smaller. */
  readonly least: number;
}

/** A placed piece: its upper left corner, and by how much it was made smaller (1: not at all). */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly shrink: number;
}

const TRIES = 24;
const ROUNDS = 12;

/**
 * Places pieces inside the picture, overlapping each other by at most `overlap` of the smaller one's area. Where they find no room
 * they are made smaller step by step.
 * @returns in the order of the pieces, or nothing where even the smallest find no room
 */
export function layOut(pieces: readonly Piece[], overlap: number, random: Random): readonly Place[] | undefined {
  // The largest first: the small ones fit between.
  const order = pieces.map((_, i) => i).sort((a, b) => area(pieces[b]!) - area(pieces[a]!));
  const places: Place[] = [];
  for (let round = 0, shrink = 1; round < ROUNDS; round++, shrink *= 0.93) {
    places.length = 0;
    const placed: number[] = [];
    for (const i of order) {
      const place = findRoom(pieces, i, shrink, overlap, places, placed, random);
      if (place === undefined) break;
      places[i] = place;
      placed.push(i);
    }
    if (placed.length === pieces.length) return places;
  }
  return undefined;
}

/**
 * Places each piece somewhere in a cell of its own, row by row; what is larger than a cell is made smaller, whatever its `least` says.
 * @param columns as many rows as columns; at most `columns`² pieces
 * @returns in the order of the pieces
 */
export function layInCells(pieces: readonly Piece[], columns: number, random: Random): readonly Place[] {
  const cell = 1 / columns;
  return pieces.map(({ width, height }, i) => {
    const shrink = Math.min(1, cell / Math.max(width, height));
    return {
      x: (i % columns) * cell + random.uniform(0, cell - width * shrink),
      y: Math.floor(i / columns) * cell + random.uniform(0, cell - height * shrink),
      shrink,
    };
  });
}

function area({ width, height }: Piece): number {
  return width * height;
}

function findRoom(
  pieces: readonly Piece[],
  index: number,
  scale: number,
  overlap: number,
  places: readonly Place[],
  placed: readonly number[],
  random: Random,
): Place | undefined {
  const piece = pieces[index]!;
  const shrink = Math.max(scale, piece.least);
  const width = piece.width * shrink;
  const height = piece.height * shrink;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const x = random.uniform(0, 1 - width);
    const y = random.uniform(0, 1 - height);
    const fits = placed.every((other) => {
      const there = places[other]!;
      const w = pieces[other]!.width * there.shrink;
      const h = pieces[other]!.height * there.shrink;
      const common =
        Math.max(0, Math.min(x + width, there.x + w) - Math.max(x, there.x)) *
        Math.max(0, Math.min(y + height, there.y + h) - Math.max(y, there.y));
      return common <= overlap * Math.min(width * height, w * h);
    });
    if (fits) return { x, y, shrink };
  }
  return undefined;
}

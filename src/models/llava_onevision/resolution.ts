/**
 * How LLaVA-OneVision cuts a picture: into a grid of tiles whose resolution fits it best, of whose features those of the
 * padding are left out (Li et al. 2024, arXiv:2408.03326).
 */
import { CheckpointError } from '../../core/index.ts';

export interface Sides {
  readonly height: number;
  readonly width: number;
}

/** The one of several resolutions that keeps most of a picture and, among those, wastes least. */
export function bestResolution({ height, width }: Sides, resolutions: readonly Sides[]): Sides {
  let best: Sides | undefined;
  let most = 0;
  let least = Infinity;
  for (const candidate of resolutions) {
    const scale = Math.min(candidate.width / width, candidate.height / height);
    const kept = Math.min(Math.trunc(width * scale) * Math.trunc(height * scale), width * height);
    const wasted = candidate.width * candidate.height - kept;
    if (kept > most || (kept === most && wasted < least)) {
      most = kept;
      least = wasted;
      best = candidate;
    }
  }
  if (best === undefined) throw new CheckpointError('image_grid_pinpoints has no resolution', 'correct the file');
  return best;
}

/** Size of a picture inside a resolution, proportions kept. */
export function sizeInside({ height, width }: Sides, target: Sides): Sides {
  const scaleWidth = target.width / width;
  const scaleHeight = target.height / height;
  return scaleWidth < scaleHeight
    ? { width: target.width, height: Math.min(Math.ceil(height * scaleWidth), target.height) }
    : { height: target.height, width: Math.min(Math.ceil(width * scaleHeight), target.width) };
}

/**
 * Rows and columns of features that are left of a grid without its padding, and after shrinking where they are too many.
 * @param picture in pixels, as it was given  @param grid rows and columns of features of all tiles together
 * @param side of a tile, in features  @param most tiles whose features are kept; more are shrunk to about as many
 */
export function keptFeatures(picture: Sides, grid: Sides, side: number, most: number): Sides {
  let { height, width } = grid;
  if (picture.width / picture.height > width / height) {
    const inside = truncated(picture.height * (width / picture.width));
    height -= Math.floor((height - inside) / 2) * 2;
  } else {
    const inside = truncated(picture.width * (height / picture.height));
    width -= Math.floor((width - inside) / 2) * 2;
  }
  const ratio = Math.sqrt((height * width) / (most * side ** 2));
  return ratio > 1.1 ? { height: floorDivided(height, ratio), width: floorDivided(width, ratio) } : { height, width };
}

/** Rounded at the seventh decimal and then down, so that 2.9999999999 is 3. */
function truncated(value: number): number {
  return Math.trunc(Number(value.toFixed(7)));
}

/** The whole part of a quotient as Python's `//` finds it, which looks at the exact remainder. */
function floorDivided(value: number, by: number): number {
  return Math.round((value - (value % by)) / by);
}

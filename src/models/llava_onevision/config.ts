import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import { patchesPerSide } from '../common/clip-vision.ts';
import { featuresPerTile, type LlavaPartsConfig, parseLlavaParts } from '../common/llava-config.ts';
import type { TileLayout } from './features.ts';

/** What a {@link LlavaOnevision} is built from. */
export interface LlavaOnevisionConfig extends LlavaPartsConfig {
  readonly tiles: TileLayout;
}

const MAX_SIDE = 65_536;
const side = z.int().min(1).max(MAX_SIDE);

const schema = z.looseObject({
  image_grid_pinpoints: z
    .array(z.tuple([side, side]))
    .min(1)
    .max(1000)
    .nullish(),
  vision_aspect_ratio: z
    .string()
    .regex(/^anyres_max_[1-9]\d{0,3}$/, "only 'anyres_max_' and a number is supported")
    .default('anyres_max_9'),
});

/** Sizes of up to 6 × 6 tiles of 384 pixels, which files may leave out. */
export const PINPOINTS: readonly (readonly [number, number])[] = Array.from({ length: 36 }, (_, i) => [
  384 * (1 + Math.floor(i / 6)),
  384 * (1 + (i % 6)),
]);

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseLlavaOnevisionConfig(json: unknown, file = 'config.json'): LlavaOnevisionConfig {
  const parts = parseLlavaParts(json, file, {
    type: 'llava_onevision',
    tower: 'siglip',
    language: 'qwen2',
    block: -1,
    strategy: 'full',
    imageToken: 151_646,
  });
  const { image_grid_pinpoints: given, vision_aspect_ratio: ratio } = parseConfig(schema, json, file);
  const { imageSize } = parts.vision;
  const patches = patchesPerSide(parts.vision);
  if (featuresPerTile(parts) !== patches ** 2)
    throw new CheckpointError(
      `${file}: a tile of ${patches} × ${patches} patches gives ${featuresPerTile(parts)} features, which are no grid`,
      "vision_feature_select_strategy must be 'full' for SigLIP and 'default' for CLIP",
    );
  const pinpoints = given ?? PINPOINTS;
  const odd = pinpoints.find((sides) => sides.some((length) => length % imageSize !== 0));
  if (odd !== undefined)
    throw new CheckpointError(
      `${file}: image_grid_pinpoints has ${odd[0]} × ${odd[1]}, which tiles of ${imageSize} do not fill`,
      'correct the file, or fetch the checkpoint again',
    );
  const mostTiles = Number(ratio.slice('anyres_max_'.length));
  return { ...parts, tiles: { tileSize: imageSize, patches, mostTiles, pinpoints } };
}

import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';
import type { VisionTowerConfig } from '../common/clip-vision.ts';
import { size } from '../common/config-fields.ts';
import { type TextTowerConfig, textTower, type TowerDefaults, visionTower } from '../common/tower-config.ts';

/** What a {@link Clip} is built from. */
export interface ClipConfig {
  readonly vision: VisionTowerConfig;
  readonly text: TextTowerConfig;
  /** Width of the space in which pictures and texts are compared. */
  readonly projection: number;
  /** First value of the logarithm of the scale of similarities. */
  readonly logScale: number;
}

const shared = {
  vocabularySize: 49_408,
  maxLength: 77,
  patchSize: 32,
  activation: 'quick_gelu',
  normEpsilon: 1e-5,
} as const;
const visionDefaults: TowerDefaults = { ...shared, width: 768, heads: 12 };
const textDefaults: TowerDefaults = { ...shared, width: 512, heads: 8 };

const schema = z.object({
  model_type: z.literal('clip').optional(),
  vision_config: visionTower(visionDefaults),
  text_config: textTower(textDefaults),
  projection_dim: size.nullish(),
  logit_scale_init_value: z.number().nullish(),
});

/**
 * Some files hold a tower twice; `text_config_dict` and `vision_config_dict` then count, with defaults for what they lack,
 * as in Transformers.
 */
function oneConfigEach(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  const keys = json as Readonly<Record<string, unknown>>;
  return {
    ...keys,
    vision_config: keys['vision_config_dict'] ?? keys['vision_config'] ?? {},
    text_config: keys['text_config_dict'] ?? keys['text_config'] ?? {},
  };
}

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseClipConfig(json: unknown, file = 'config.json'): ClipConfig {
  const keys = parseConfig(schema, oneConfigEach(json), file);
  return {
    vision: keys.vision_config,
    text: keys.text_config,
    projection: keys.projection_dim ?? 512,
    logScale: keys.logit_scale_init_value ?? 2.6592,
  };
}

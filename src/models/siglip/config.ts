import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { SiglipVisionConfig } from '../common/siglip-vision.ts';
import { type TextTowerConfig, textTower, type TowerDefaults, visionTower } from '../common/tower-config.ts';

/** What a {@link Siglip} is built from. */
export interface SiglipConfig {
  readonly vision: SiglipVisionConfig;
  readonly text: TextTowerConfig;
}

const defaults: TowerDefaults = {
  width: 768,
  heads: 12,
  patchSize: 16,
  vocabularySize: 32_000,
  maxLength: 64,
  activation: 'gelu_tanh',
  normEpsilon: 1e-6,
};

const schema = z.object({
  model_type: z.enum(['siglip', 'siglip2']).default('siglip'),
  vision_config: visionTower(defaults).prefault({}),
  text_config: textTower(defaults).prefault({}),
});

/**
 * SigLIP, and SigLIP 2 of fixed resolution, whose files call themselves `siglip` too.
 * @param json contents of `config.json`  @param file its name, for messages
 * @throws CheckpointError when a key is wrong, or the checkpoint is one of variable resolution
 */
export function parseSiglipConfig(json: unknown, file = 'config.json'): SiglipConfig {
  const { model_type, vision_config: vision, text_config: text } = parseConfig(schema, json, file);
  if (model_type === 'siglip2') {
    throw new CheckpointError(
      `${file}: SigLIP 2 of variable resolution (naflex) is not supported`,
      'use a SigLIP 2 checkpoint of fixed resolution; its model_type is siglip',
    );
  }
  const projection = text.projection ?? text.width;
  if (vision.head && projection !== vision.width) {
    throw new CheckpointError(
      `${file}: texts become vectors of ${projection} and pictures of ${vision.width}, which cannot be compared`,
      'correct text_config.projection_size or vision_config.hidden_size, or fetch the checkpoint again',
    );
  }
  return { vision, text };
}

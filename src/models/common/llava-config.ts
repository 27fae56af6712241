/** Keys of `config.json` that LLaVA and LLaVA-OneVision share. */
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { Activation } from '../../nn/index.ts';
import { patchesPerSide } from './clip-vision.ts';
import { activation } from './config-fields.ts';
import type { DecoderConfig } from './decoder.ts';
import { parseLanguageConfig } from './language-config.ts';
import type { SiglipVisionConfig } from './siglip-vision.ts';
import { type TowerDefaults, visionTower } from './tower-config.ts';

/** What the parts are built from. */
export interface LlavaPartsConfig {
  readonly vision: SiglipVisionConfig & { readonly kind: 'clip' | 'siglip' };
  readonly text: DecoderConfig;
  /** Whose states become features: 0 is what goes into the first block, 1 comes out of it. */
  readonly blocks: readonly number[];
  /** Whether the first token of each tile is a feature too; CLIP's is the class token. */
  readonly keepFirst: boolean;
  readonly projector: { readonly activation: Activation; readonly bias: boolean };
  /** Id of the token that stands for a row of features. */
  readonly imageToken: number;
}

/** What Transformers assumes where a file leaves keys out. */
export interface LlavaDefaults {
  /** Of the model itself. */
  readonly type: string;
  readonly tower: 'clip' | 'siglip';
  readonly language: string;
  readonly block: number;
  readonly strategy: 'default' | 'full';
  readonly imageToken: number;
}

const TOWERS: Readonly<Record<'clip' | 'siglip', TowerDefaults>> = {
  clip: { width: 768, heads: 12, patchSize: 32, activation: 'quick_gelu', normEpsilon: 1e-5, ...textless() },
  siglip: { width: 768, heads: 12, patchSize: 16, activation: 'gelu_tanh', normEpsilon: 1e-6, ...textless() },
};

function textless(): { readonly vocabularySize: 0; readonly maxLength: 0 } {
  return { vocabularySize: 0, maxLength: 0 };
}

const block = z.int().min(-1001).max(1000);

const schema = z.looseObject({
  model_type: z.string().max(200).optional(),
  image_token_index: z.int().min(0).max(10_000_000).optional(),
  /** The name that Transformers gives it in its programs. */
  image_token_id: z.int().min(0).max(10_000_000).optional(),
  projector_hidden_act: activation.default('gelu'),
  multimodal_projector_bias: z.boolean().default(true),
  vision_feature_select_strategy: z.enum(['default', 'full']).optional(),
  vision_feature_layer: z.union([block, z.array(block).min(1).max(64)]).optional(),
  tie_word_embeddings: z.boolean().default(false),
  vision_config: z
    .looseObject({ model_type: z.enum(['clip_vision_model', 'siglip_vision_model']).optional() })
    .prefault({}),
  text_config: z.looseObject({}).nullish(),
});

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseLlavaParts(json: unknown, file: string, defaults: LlavaDefaults): LlavaPartsConfig {
  const keys = parseConfig(schema, json, file);
  if (keys.model_type !== undefined && keys.model_type !== defaults.type)
    throw new CheckpointError(
      `${file}: model_type is '${keys.model_type}', not '${defaults.type}'`,
      'use the model that the file describes',
    );
  const { model_type: type } = keys.vision_config;
  const kind = type === undefined ? defaults.tower : type === 'clip_vision_model' ? 'clip' : 'siglip';
  const vision = parseConfig(visionTower(TOWERS[kind]), keys.vision_config, `${file}, vision_config`);
  const given = keys.vision_feature_layer ?? defaults.block;
  const blocks = (typeof given === 'number' ? [given] : given).map((index) => {
    const found = index < 0 ? vision.layers + 1 + index : index;
    if (found >= 0 && found <= vision.layers) return found;
    throw new CheckpointError(
      `${file}: vision_feature_layer is ${index}, and the tower has ${vision.layers} layers`,
      'correct the file, or fetch the checkpoint again',
    );
  });
  const text = parseLanguageConfig(keys.text_config, file, defaults.language);
  const imageToken = keys.image_token_index ?? keys.image_token_id ?? defaults.imageToken;
  if (imageToken >= text.vocabularySize)
    throw new CheckpointError(
      `${file}: image_token_index is ${imageToken}, and the vocabulary has ${text.vocabularySize} tokens`,
      'correct the file, or fetch the checkpoint again',
    );
  return {
    vision: { ...vision, kind },
    text: { ...text, tied: text.tied || keys.tie_word_embeddings },
    blocks,
    keepFirst: (keys.vision_feature_select_strategy ?? defaults.strategy) === 'full',
    projector: { activation: keys.projector_hidden_act, bias: keys.multimodal_projector_bias },
    imageToken,
  };
}

/** Tokens of a tile that become features. */
export function featuresPerTile({ vision, keepFirst }: LlavaPartsConfig): number {
  return patchesPerSide(vision) ** 2 + (vision.kind === 'clip' ? 1 : 0) - (keepFirst ? 0 : 1);
}

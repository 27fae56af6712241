/** Which model a `config.json` describes, and what else its folder needs. A new architecture is a line in the table here. */
import { z } from 'zod';
import { CheckpointError } from '../core/index.ts';
import { type NamingRules, parseConfig } from '../hub/index.ts';
import {
  Bert,
  bertEncoderNames,
  CausalLM,
  Clip,
  clipNames,
  decoderNames,
  type GeneratingModel,
  Llama,
  parseBertConfig,
  parseClipConfig,
  parseLlamaConfig,
  parseQwen2Config,
  parseQwen3Config,
  parseSiglipConfig,
  parseViTConfig,
  Qwen2,
  Qwen3,
  Siglip,
  siglipNames,
  type TextEncoder,
  ViT,
  vitEncoderNames,
  type VisionEncoder,
} from '../models/index.ts';

/** A model that writes texts, about pictures too where it sees. */
export interface GeneratingArchitecture {
  readonly kind: 'generating';
  readonly model: GeneratingModel;
  readonly names: NamingRules;
}

/** A model that holds pictures and texts against each other. */
export interface PairArchitecture {
  readonly kind: 'pair';
  readonly model: Clip | Siglip;
  readonly names: NamingRules;
}

/** A model of pictures alone, or of texts alone, which others are built upon. */
export interface EncoderArchitecture {
  readonly kind: 'vision' | 'text';
  readonly model: VisionEncoder | TextEncoder;
  readonly names: NamingRules;
}

export type Architecture = GeneratingArchitecture | PairArchitecture | EncoderArchitecture;

type Create = (json: unknown, file: string) => Architecture;

const decoder = (model: CausalLM): GeneratingArchitecture => ({
  kind: 'generating',
  model,
  names: decoderNames(model.model.config.tied),
});

/** By `model_type`. */
const ARCHITECTURES: Readonly<Record<string, Create>> = {
  llama: (json, file) => decoder(new Llama(parseLlamaConfig(json, file))),
  qwen2: (json, file) => decoder(new Qwen2(parseQwen2Config(json, file))),
  qwen3: (json, file) => decoder(new Qwen3(parseQwen3Config(json, file))),
  clip: (json, file) => ({ kind: 'pair', model: new Clip(parseClipConfig(json, file)), names: clipNames }),
  siglip: (json, file) => ({ kind: 'pair', model: new Siglip(parseSiglipConfig(json, file)), names: siglipNames }),
  vit: (json, file) => ({ kind: 'vision', model: new ViT(parseViTConfig(json, file)), names: vitEncoderNames }),
  bert: (json, file) => ({ kind: 'text', model: new Bert(parseBertConfig(json, file)), names: bertEncoderNames }),
};

const typeSchema = z.looseObject({ model_type: z.string().max(200) });

/**
 * The model that a config.json describes, without weights.
 * @throws CheckpointError when the architecture is not known or the file is wrong
 */
export function createModel(json: unknown, file = 'config.json'): Architecture {
  const { model_type: type } = parseConfig(typeSchema, json, file);
  const create = Object.hasOwn(ARCHITECTURES, type) ? ARCHITECTURES[type] : undefined;
  if (create === undefined)
    throw new CheckpointError(
      `${file}: model_type '${type}' is not an architecture that can be loaded`,
      `known ones are ${Object.keys(ARCHITECTURES).join(', ')}`,
    );
  return create(json, file);
}

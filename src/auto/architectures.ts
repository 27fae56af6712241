/** Which model a `config.json` describes, and what else its folder needs. A new architecture is a line in the table here. */
import { z } from 'zod';
import { CheckpointError } from '../core/index.ts';
import { type NamingRules, parseConfig } from '../hub/index.ts';
import { Module } from '../nn/index.ts';
import {
  Bert,
  bertEncoderNames,
  BlipForConditionalGeneration,
  BlipForImageTextRetrieval,
  BlipForQuestionAnswering,
  blipNames,
  CausalLM,
  Clip,
  clipNames,
  decoderNames,
  type GeneratingModel,
  type ReadingModel,
  Idefics3,
  idefics3Names,
  Llama,
  Llava,
  llavaNames,
  LlavaOnevision,
  parseIdefics3Config,
  parseLlavaConfig,
  parseLlavaOnevisionConfig,
  parseBertConfig,
  parseBlipConfig,
  parseClipConfig,
  parseLlamaConfig,
  parseQwen2Config,
  parseQwen25VLConfig,
  parseQwen3Config,
  parseSensoriumVLConfig,
  parseSiglipConfig,
  parseViTConfig,
  Qwen2,
  Qwen25VL,
  qwen25VLNames,
  Qwen3,
  SensoriumVL,
  sensoriumVLNames,
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

/** One of BLIP's heads: it describes pictures, answers questions about them, or holds texts against them. */
export type BlipArchitecture = { readonly names: NamingRules } & (
  | { readonly kind: 'captioner'; readonly model: BlipForConditionalGeneration }
  | { readonly kind: 'question'; readonly model: BlipForQuestionAnswering }
  | { readonly kind: 'matcher'; readonly model: BlipForImageTextRetrieval }
);

/** A model of pictures alone, or of texts alone, which others are built upon. */
export interface EncoderArchitecture {
  readonly kind: 'vision' | 'text';
  readonly model: VisionEncoder | TextEncoder;
  readonly names: NamingRules;
}

export type Architecture = GeneratingArchitecture | PairArchitecture | BlipArchitecture | EncoderArchitecture;

type Create = (json: unknown, file: string) => Architecture;

const decoder = (model: CausalLM): GeneratingArchitecture => ({
  kind: 'generating',
  model,
  names: decoderNames(model.model.config.tied),
});

function idefics3(json: unknown, file: string): GeneratingArchitecture {
  const config = parseIdefics3Config(json, file);
  return { kind: 'generating', model: new Idefics3(config), names: idefics3Names(config) };
}

/** The head is that of the class whose model was saved. */
function blip(json: unknown, file: string): BlipArchitecture {
  const config = parseBlipConfig(json, file);
  const names = blipNames;
  for (const name of config.architectures)
    switch (name) {
      case 'BlipForConditionalGeneration':
        return { kind: 'captioner', model: new BlipForConditionalGeneration(config), names };
      case 'BlipForQuestionAnswering':
        return { kind: 'question', model: new BlipForQuestionAnswering(config), names };
      case 'BlipForImageTextRetrieval':
        return { kind: 'matcher', model: new BlipForImageTextRetrieval(config), names };
    }
  throw new CheckpointError(
    `${file}: architectures names ${config.architectures.join(', ') || 'nothing'}, which is no head of BLIP that is known`,
    'use a checkpoint of BlipForConditionalGeneration, BlipForQuestionAnswering or BlipForImageTextRetrieval',
  );
}

/** By `model_type`. */
const ARCHITECTURES: Readonly<Record<string, Create>> = {
  llama: (json, file) => decoder(new Llama(parseLlamaConfig(json, file))),
  qwen2: (json, file) => decoder(new Qwen2(parseQwen2Config(json, file))),
  qwen3: (json, file) => decoder(new Qwen3(parseQwen3Config(json, file))),
  idefics3: idefics3,
  smolvlm: idefics3,
  llava: (json, file) => {
    const config = parseLlavaConfig(json, file);
    return { kind: 'generating', model: new Llava(config), names: llavaNames(config) };
  },
  llava_onevision: (json, file) => {
    const config = parseLlavaOnevisionConfig(json, file);
    return { kind: 'generating', model: new LlavaOnevision(config), names: llavaNames(config) };
  },
  qwen2_5_vl: (json, file) => {
    const model = new Qwen25VL(parseQwen25VLConfig(json, file));
    return { kind: 'generating', model, names: qwen25VLNames(model.config.text.tied) };
  },
  sensorium_vl: (json, file) => {
    const config = parseSensoriumVLConfig(json, file);
    return { kind: 'generating', model: new SensoriumVL(config), names: sensoriumVLNames(config) };
  },
  blip,
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

/** A model that can be taught. */
export interface ReadingArchitecture {
  readonly model: ReadingModel & Module;
  readonly names: NamingRules;
}

/** @param where how messages call it  @throws CheckpointError for a model that does not read whole texts, such as an encoder */
export function readingModel(architecture: Architecture, where: string): ReadingArchitecture {
  const { kind, model, names } = architecture;
  if (kind === 'generating' && 'read' in model && model instanceof Module)
    return { model: model as ReadingModel & Module, names };
  throw new CheckpointError(
    `${where} is no model that can be taught conversations`,
    'use SmolVLM, Idefics3, LLaVA, LLaVA-OneVision, Qwen2.5-VL, sensorium_vl or a language model',
  );
}

/** Encoders that others are built upon, by the `config.json` of the checkpoint that holds them. */
import { z } from 'zod';
import { CheckpointError } from '../core/index.ts';
import { type NamingRules, parseConfig } from '../hub/index.ts';
import {
  Bert,
  bertEncoderNames,
  ClipTextModel,
  clipTextNames,
  ClipVisionModel,
  clipVisionNames,
  type FusionConfig,
  parseBertConfig,
  parseClipConfig,
  parseSiglipConfig,
  parseViTConfig,
  SiglipTextModel,
  siglipTextNames,
  SiglipVisionModel,
  siglipVisionNames,
  SimpleMultimodalModel,
  type TextEncoder,
  ViT,
  vitEncoderNames,
  type VisionEncoder,
} from '../models/index.ts';

/** An encoder of pictures, without weights. */
export interface VisionPart {
  readonly encoder: VisionEncoder;
  readonly names: NamingRules;
  /** Side of its square pictures in pixels. */
  readonly imageSize: number;
}

/** An encoder of texts, without weights. */
export interface TextPart {
  readonly encoder: TextEncoder;
  readonly names: NamingRules;
  readonly vocabularySize: number;
  /** Longest text in tokens. */
  readonly maxLength: number;
}

type Table<T> = Readonly<Record<string, (json: unknown, file: string) => T>>;

/** By `model_type`. Of CLIP and SigLIP one tower is taken. */
const VISION: Table<VisionPart> = {
  vit: (json, file) => {
    const config = parseViTConfig(json, file);
    const [height, width] = config.imageSize;
    if (height !== width)
      throw new CheckpointError(`${file}: pictures of ${width} × ${height}`, 'use an encoder of square pictures');
    return { encoder: new ViT(config), names: vitEncoderNames, imageSize: height };
  },
  clip: (json, file) => {
    const { vision } = parseClipConfig(json, file);
    return { encoder: new ClipVisionModel(vision), names: clipVisionNames, imageSize: vision.imageSize };
  },
  siglip: (json, file) => {
    const { vision } = parseSiglipConfig(json, file);
    // Its pooling is not asked for.
    const names = { ...siglipVisionNames, ignored: [...siglipVisionNames.ignored!, /^head\./] };
    return { encoder: new SiglipVisionModel({ ...vision, head: false }), names, imageSize: vision.imageSize };
  },
};

const TEXT: Table<TextPart> = {
  bert: (json, file) => {
    const config = parseBertConfig(json, file);
    return { encoder: new Bert(config), names: bertEncoderNames, ...config };
  },
  clip: (json, file) => {
    const { text } = parseClipConfig(json, file);
    return { encoder: new ClipTextModel(text), names: clipTextNames, ...text };
  },
  siglip: (json, file) => {
    const { text } = parseSiglipConfig(json, file);
    return { encoder: new SiglipTextModel(text), names: siglipTextNames, ...text };
  },
};

/** @param json contents of `config.json`  @throws CheckpointError when it describes no encoder of pictures that is known */
export function createVisionPart(json: unknown, file = 'config.json'): VisionPart {
  return find(VISION, json, file, 'pictures')(json, file);
}

/** @param json contents of `config.json`  @throws CheckpointError when it describes no encoder of texts that is known */
export function createTextPart(json: unknown, file = 'config.json'): TextPart {
  return find(TEXT, json, file, 'texts')(json, file);
}

/** A fusion model with the encoders that its config describes, pretrained ones among them; without weights. */
export function createFusionModel(config: FusionConfig): SimpleMultimodalModel {
  const { vision, text } = config;
  return new SimpleMultimodalModel(config, {
    ...(vision.kind === 'pretrained' ? { vision: createVisionPart(vision.config, 'vision.config').encoder } : {}),
    ...('kind' in text ? { text: createTextPart(text.config, 'text.config').encoder } : {}),
  });
}

const typeSchema = z.looseObject({ model_type: z.string().max(200) });

function find<T>(table: Table<T>, json: unknown, file: string, of: string): Table<T>[string] {
  const { model_type: type } = parseConfig(typeSchema, json, file);
  const found = Object.hasOwn(table, type) ? table[type] : undefined;
  if (found !== undefined) return found;
  throw new CheckpointError(
    `${file}: model_type '${type}' is no encoder of ${of} that is known`,
    `known ones are ${Object.keys(table).join(', ')}`,
  );
}

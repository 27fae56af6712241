import type { NamingRules } from '../../src/hub/index.ts';
import {
  Idefics3,
  idefics3Names,
  type ImageTextModel,
  Llava,
  llavaNames,
  LlavaOnevision,
  parseIdefics3Config,
  parseLlavaConfig,
  parseLlavaOnevisionConfig,
  parseSensoriumVLConfig,
  SensoriumVL,
  sensoriumVLNames,
} from '../../src/models/index.ts';
import type { Module } from '../../src/nn/index.ts';
import type { Tensor } from '../../src/graph/index.ts';

/** A model of pictures and texts that is read as a whole too. */
export type PictureModel = Module &
  ImageTextModel & {
    forward(inputs: Readonly<Record<string, Tensor>>, ids: Tensor, places: Tensor): Tensor;
  };

export interface MultimodalCase {
  readonly model: PictureModel;
  readonly rules: NamingRules;
  /** Paths of the vision tower and of the decoder, under which their blocks' states are named. */
  readonly vision: string;
  readonly text: string;
  /** Tensors that have no say in what comes out. */
  readonly unused: RegExp | undefined;
}

function idefics3(config: unknown): MultimodalCase {
  const parsed = parseIdefics3Config(config);
  const [vision, text] = ['model.vision_model', 'model.text_model'];
  return { model: new Idefics3(parsed), rules: idefics3Names(parsed), vision, text, unused: undefined };
}

const LLAVA = { vision: 'vision_tower.vision_model', text: 'language_model.model' };

function llava(config: unknown, unused: RegExp): MultimodalCase {
  const parsed = parseLlavaConfig(config);
  return { model: new Llava(parsed), rules: llavaNames(parsed), ...LLAVA, unused };
}

/** LLaVA takes states from between the blocks, so that the norm behind them is not used. */
const LAST_NORM = /\.vision_model\.post_layernorm\./;

/** What holds pictures and texts against each other has no say in answers; see sensorium_vl.test.ts. */
const COMPARING = /^(vision_projection|text_projection)\.|^logit_scale$/;

export const MULTIMODAL: Readonly<Record<string, (config: unknown) => MultimodalCase>> = {
  idefics3,
  smolvlm: idefics3,
  // Features are those of the last block but one.
  llava: (config) => llava(config, /\.vision_model\.(post_layernorm|encoder\.layers\.2)\./),
  'llava-qwen2': (config) => llava(config, LAST_NORM),
  llava_onevision: (config) => {
    const parsed = parseLlavaOnevisionConfig(config);
    return { model: new LlavaOnevision(parsed), rules: llavaNames(parsed), ...LLAVA, unused: LAST_NORM };
  },
  sensorium_vl: (config) => {
    const parsed = parseSensoriumVLConfig(config);
    const [vision, text] = ['vision_model', 'text_model'];
    return { model: new SensoriumVL(parsed), rules: sensoriumVLNames(parsed), vision, text, unused: COMPARING };
  },
};

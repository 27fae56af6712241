// The architectures whose tiny twins `make/encoders.py` writes, and what is compared of each.
import { CheckpointError, type HostTensor, hostTensor } from '../../src/core/index.ts';
import { type Tensor, type Traced, trace } from '../../src/graph/index.ts';
import type { NamingRules } from '../../src/hub/index.ts';
import { BertForMaskedLM, bertNames, createBert } from '../../src/models/bert/model.ts';
import { parseBertConfig } from '../../src/models/bert/config.ts';
import { parseClipConfig } from '../../src/models/clip/config.ts';
import { Clip, clipNames, ClipTextModel } from '../../src/models/clip/model.ts';
import type { EncoderOutput } from '../../src/models/common/tower.ts';
import { parseSiglipConfig } from '../../src/models/siglip/config.ts';
import { Siglip, siglipNames } from '../../src/models/siglip/model.ts';
import { parseViTConfig } from '../../src/models/vit/config.ts';
import { createViT, ViTForImageClassification, vitNames } from '../../src/models/vit/model.ts';
import type { Module } from '../../src/nn/index.ts';

type Inputs = Readonly<Record<string, Tensor>>;

/** A model made of a folder's config and names, and its outputs by the names of the fixture. */
export interface EncoderCase {
  readonly model: Module;
  readonly rules: NamingRules;
  /** Sizes of inputs that are left open while tracing, by input and axis. */
  readonly open: Readonly<Record<string, readonly number[]>>;
  outputs(inputs: Inputs): Record<string, Tensor>;
}

/** States come back from the call and by name; keys by name alone. Both must be the same tensors. */
function statesAndKeys(traced: Traced<EncoderOutput>, layer: (i: number) => string): Record<string, Tensor> {
  const { states } = traced.result;
  const found: Record<string, Tensor> = { embeddings: states[0]! };
  states.slice(1).forEach((state, i) => {
    const tapped = traced.taps.get(`${layer(i)}.state`);
    if (tapped !== state) throw new CheckpointError(`${layer(i)}.state is not what the model gives`);
    found[`state.${i}`] = state;
    found[`keys.${i}`] = [...traced.taps].find(
      ([name]) => name.startsWith(`${layer(i)}.`) && name.endsWith('.keys'),
    )![1];
  });
  return found;
}

function prefixed(prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}${name}`, tensor]));
}

function withPooled({ lastHiddenState, pooled }: EncoderOutput): Record<string, Tensor> {
  return pooled === undefined ? { lastHiddenState } : { lastHiddenState, pooled };
}

function vit(config: unknown, names: Iterable<string>): EncoderCase {
  const model = createViT(parseViTConfig(config), names);
  const base = model instanceof ViTForImageClassification ? 'vit.' : '';
  return {
    model,
    rules: vitNames,
    open: { pixels: [0] },
    outputs: ({ pixels }) => {
      const traced = trace((): EncoderOutput & { logits?: Tensor } => model.forward(pixels!));
      const { logits } = traced.result;
      const states = statesAndKeys(traced, (i) => `${base}encoder.layer.${i}`);
      return { ...states, ...withPooled(traced.result), ...(logits === undefined ? {} : { logits }) };
    },
  };
}

function bert(config: unknown, names: Iterable<string>): EncoderCase {
  const model = createBert(parseBertConfig(config), names);
  const base = model instanceof BertForMaskedLM ? 'bert.' : '';
  return {
    model,
    rules: bertNames,
    open: { ids: [0, 1], keep: [0, 1], types: [0, 1] },
    outputs: ({ ids, keep, types }) => {
      const traced = trace((): EncoderOutput & { logits?: Tensor } => model.forward(ids!, keep!, types!));
      const { logits } = traced.result;
      const states = statesAndKeys(traced, (i) => `${base}encoder.layer.${i}`);
      const bare = model.forward(ids!).lastHiddenState;
      return { ...states, ...withPooled(traced.result), bare, ...(logits === undefined ? {} : { logits }) };
    },
  };
}

/** Both towers, and what they make together. */
function towers(model: Clip | Siglip, { pixels, ids }: Inputs, keep: Tensor | undefined): Record<string, Tensor> {
  const text = trace(() => model.text_model.forward(ids!, keep));
  const vision = trace(() => model.vision_model.forward(pixels!));
  return {
    ...prefixed('text.', {
      ...statesAndKeys(text, (i) => `text_model.encoder.layers.${i}`),
      lastHiddenState: text.result.lastHiddenState,
    }),
    ...prefixed('vision.', {
      ...statesAndKeys(vision, (i) => `vision_model.encoder.layers.${i}`),
      lastHiddenState: vision.result.lastHiddenState,
    }),
    ...model.forward(pixels!, ids!, keep),
  };
}

function clip(config: unknown): EncoderCase {
  const parsed = parseClipConfig(config);
  const model = new Clip(parsed);
  return {
    model,
    rules: clipNames,
    open: { pixels: [0], ids: [0, 1], keep: [0, 1] },
    outputs: (inputs) => {
      const { ids, keep } = inputs;
      const asBefore = legacyTower(model);
      return {
        ...towers(model, inputs, keep),
        'bare.textFeatures': model.textFeatures(ids!),
        'legacy.textFeatures': model.text_projection.forward(asBefore.forward(ids!, keep).pooled!),
      };
    },
  };
}

/** The same text tower with the same weights, as a file with the wrong end of text describes it. */
function legacyTower({ text_model }: Clip): ClipTextModel {
  const legacy = new ClipTextModel({ ...text_model.config, endToken: 2 });
  const { embeddings, encoder, final_layer_norm } = text_model;
  return Object.assign(legacy, { embeddings, encoder, final_layer_norm });
}

function siglip(config: unknown): EncoderCase {
  const model = new Siglip(parseSiglipConfig(config));
  return {
    model,
    rules: siglipNames,
    open: { pixels: [0], ids: [0], keep: [0] },
    outputs: (inputs) => ({
      ...towers(model, inputs, undefined),
      'masked.textFeatures': model.textFeatures(inputs['ids']!, inputs['keep']!),
    }),
  };
}

/** By the name of the folder. */
export const ENCODERS: Readonly<Record<string, (config: unknown, names: Iterable<string>) => EncoderCase>> = {
  vit,
  'vit-pooler': vit,
  bert,
  'bert-bfloat16': bert,
  clip,
  siglip,
};

/** The numbers of a floating-point tensor as float32; bfloat16 is the upper half of it. */
export function asFloat32(tensor: HostTensor): HostTensor {
  if (tensor.dtype !== 'bfloat16') return tensor;
  const bits = Uint32Array.from(tensor.data as Uint16Array, (half) => half << 16);
  return hostTensor('float32', tensor.shape, new Float32Array(bits.buffer));
}

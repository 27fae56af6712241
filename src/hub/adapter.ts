/** Adapters in PEFT's form: what adapter_config.json says, and which tensors of the file belong to which layer. */
// D inputs of a layer, E its outputs, R rank
import { z } from 'zod';
import { CheckpointError, isWeightDType } from '../core/index.ts';
import { type ExpectedTensor, type NamingRules, parameterOf } from './account.ts';
import { parseConfig } from './parse.ts';
import type { TensorDescription } from './safetensors.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** What is needed of adapter_config.json, in PEFT's words: `r`, `lora_alpha`, `use_rslora`, … */
export interface AdapterSettings {
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly rankStabilized: boolean;
  readonly dora: boolean;
  /** Names of modules, or a regular expression. */
  readonly targets: readonly string[] | string;
  /** Ranks and α of some layers, by the end of their paths. */
  readonly ranks: Readonly<Record<string, number>>;
  readonly alphas: Readonly<Record<string, number>>;
  /** What it was trained on. */
  readonly baseModel?: string | undefined;
}

const MAX_RANK = 65_536;
const rank = z.int().min(1).max(MAX_RANK);
const alpha = z.number().min(-1e6).max(1e6);
const names = z.union([z.string().max(20_000), z.array(z.string().max(1000)).max(20_000)]);

const schema = z.looseObject({
  peft_type: z.literal('LORA', 'adapters of the type LORA can be read'),
  r: rank,
  lora_alpha: alpha,
  lora_dropout: z.number().min(0).max(1).default(0),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  target_modules: names.nullish(),
  rank_pattern: z.record(z.string().max(1000), rank).nullish(),
  alpha_pattern: z.record(z.string().max(1000), alpha).nullish(),
  base_model_name_or_path: z.string().max(4096).nullish(),
  init_lora_weights: z.union([z.boolean(), z.string().max(100)]).nullish(),
  bias: z.string().max(100).nullish(),
});

/** Settings that change what a model computes, in ways that are not followed here. */
const UNKNOWN_WAYS = [
  'modules_to_save',
  'fan_in_fan_out',
  'layer_replication',
  'lora_bias',
  'target_parameters',
  'trainable_token_indices',
  'use_qalora',
  'use_bdlora',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
  'velora_config',
] as const;
/** Ways to begin that leave the model's own weights alone; with others an adapter belongs to changed ones. */
const HARMLESS_BEGINNINGS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal'];

/**
 * Checks adapter_config.json.
 * @throws CheckpointError when it is wrong, or asks for what is not supported
 */
export function parseAdapterConfig(json: unknown, file: string): AdapterSettings {
  const config = parseConfig(schema, json, file);
  const unknown = UNKNOWN_WAYS.find((key) => isAsked((config as Record<string, unknown>)[key]));
  if (unknown !== undefined)
    throw new CheckpointError(
      `${file}: ${unknown} is set, which is not supported`,
      unknown === 'modules_to_save'
        ? 'adapters that carry whole modules can be merged into their model with PEFT, and the result loaded'
        : 'merge the adapter into its model with PEFT, and load the result',
    );
  if (!HARMLESS_BEGINNINGS.includes(config.init_lora_weights))
    throw new CheckpointError(
      `${file}: init_lora_weights is '${String(config.init_lora_weights)}', which changed the weights of the model itself`,
      'convert the adapter to plain LoRA with PEFT (save_pretrained with path_initial_model_for_weight_conversion)',
    );
  if (config.bias !== undefined && config.bias !== null && config.bias !== 'none')
    throw new CheckpointError(`${file}: bias is '${config.bias}'; only 'none' is supported`, 'merge it with PEFT');
  return {
    rank: config.r,
    alpha: config.lora_alpha,
    dropout: config.lora_dropout,
    rankStabilized: config.use_rslora ?? false,
    dora: config.use_dora ?? false,
    targets: config.target_modules ?? [],
    ranks: config.rank_pattern ?? {},
    alphas: config.alpha_pattern ?? {},
    baseModel: config.base_model_name_or_path ?? undefined,
  };
}

/** adapter_config.json as PEFT reads it. */
export function adapterConfig(settings: AdapterSettings): Record<string, unknown> {
  const { rank: r, alpha: lora_alpha, dropout: lora_dropout, targets } = settings;
  return {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: settings.baseModel ?? null,
    inference_mode: true,
    r,
    lora_alpha,
    lora_dropout,
    use_rslora: settings.rankStabilized,
    use_dora: settings.dora,
    target_modules: targets,
    rank_pattern: settings.ranks,
    alpha_pattern: settings.alphas,
    bias: 'none',
    fan_in_fan_out: false,
    init_lora_weights: true,
    modules_to_save: null,
  };
}

/** The tensors of one changed layer, by their names in the file, and what their product is multiplied by. */
export interface AdapterLayer {
  /** [R, D] */
  readonly a: string;
  /** [E, R] */
  readonly b: string;
  /** [E] */
  readonly magnitude?: string;
  readonly rank: number;
  /** α. */
  readonly alpha: number;
  readonly scaling: number;
}

const KEY = /^(?:base_model\.model\.)?(.+)\.(lora_A\.weight|lora_B\.weight|lora_magnitude_vector(?:\.weight)?)$/;

/**
 * Which tensors change which layer.
 * @param expected parameters of the model by path  @param rules how files of the model name them
 * @returns by path of the layer
 * @throws CheckpointError when a tensor belongs to no layer, lacks its counterpart or has another shape than the layer's
 */
export function adapterLayers(
  settings: AdapterSettings,
  tensors: Iterable<TensorDescription>,
  expected: ReadonlyMap<string, ExpectedTensor>,
  rules: NamingRules,
  file: string,
): Map<string, AdapterLayer> {
  const parts = new Map<string, Partial<Record<'lora_A' | 'lora_B' | 'lora_magnitude_vector', TensorDescription>>>();
  for (const tensor of tensors) {
    const match = KEY.exec(tensor.name);
    const weight = match === null ? undefined : parameterOf(`${match[1]!}.weight`, rules, expected);
    if (match === null || weight === undefined || expected.get(weight)?.shape.length !== 2)
      throw new CheckpointError(
        `${file}: ${tensor.name.slice(0, 200)} changes no linear layer of this model`,
        'use the model that the adapter was trained on',
      );
    if (!isWeightDType(tensor.dtype))
      throw new CheckpointError(`${file}: ${tensor.name.slice(0, 200)} holds ${tensor.dtype}`, 'fetch it again');
    const path = weight.slice(0, -'.weight'.length);
    const part = match[2]!.split('.')[0] as 'lora_A';
    const known = parts.get(path) ?? {};
    if (known[part] !== undefined)
      throw new CheckpointError(`${file}: ${part} of ${path} is there twice`, 'fetch the adapter again');
    parts.set(path, { ...known, [part]: tensor });
  }
  if (parts.size === 0)
    throw new CheckpointError(`${file}: there is no change to any layer`, 'fetch the adapter again');
  return new Map([...parts].map(([path, found]) => [path, layerOf(path, found, settings, expected, file)]));
}

function layerOf(
  path: string,
  { lora_A: a, lora_B: b, lora_magnitude_vector: magnitude }: Partial<Record<string, TensorDescription>>,
  settings: AdapterSettings,
  expected: ReadonlyMap<string, ExpectedTensor>,
  file: string,
): AdapterLayer {
  const [outputs, inputs] = expected.get(`${path}.weight`)!.shape as readonly [number, number];
  const found = a?.shape[0] ?? 0;
  const right =
    a?.shape.join() === [found, inputs].join() &&
    b?.shape.join() === [outputs, found].join() &&
    found >= 1 &&
    found <= MAX_RANK &&
    (magnitude === undefined) === !settings.dora &&
    (magnitude === undefined || magnitude.shape.join() === `${outputs}`);
  if (!right) {
    const shown = [a, b, magnitude].map((tensor) => (tensor === undefined ? '–' : `[${tensor.shape.join(', ')}]`));
    throw new CheckpointError(
      `${file}: the change to ${path}, a layer from ${inputs} to ${outputs}, has lora_A ${shown[0]}, lora_B ${shown[1]}` +
        ` and lora_magnitude_vector ${shown[2]}`,
      'adapter_config.json and its weights must be of one adapter, and of this model',
    );
  }
  const alpha = endValue(settings.alphas, path, file) ?? settings.alpha;
  return {
    a: a!.name,
    b: b!.name,
    ...(magnitude === undefined ? {} : { magnitude: magnitude.name }),
    rank: found,
    alpha,
    scaling: alpha / (settings.rankStabilized ? Math.sqrt(found) : found),
  };
}

/** The value for a path's end. Patterns from outside are taken as names: a regular expression could take for ever. */
function endValue(values: Readonly<Record<string, number>>, path: string, file: string): number | undefined {
  for (const [pattern, value] of Object.entries(values)) {
    const name = pattern.replace(/^\^/, '').replaceAll(String.raw`\.`, '.');
    if (!/^[\w.-]+$/.test(name))
      throw new CheckpointError(
        `${file}: alpha_pattern has '${pattern.slice(0, 100)}', a pattern that is not the end of a path`,
        'write out the layers that it means',
      );
    if (path === name || path.endsWith(`.${name}`)) return value;
  }
  return undefined;
}

function isAsked(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

import { GraphError, hostTensor, type HostTensor, type Random } from '../../core/index.ts';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { LoraLayer } from './layer.ts';
import { type LayerPattern, patternValue, targetLayers } from './targets.ts';

/** How an adapter is made, in the terms of PEFT's LoraConfig. */
export interface LoraConfig {
  /** `r`. */
  readonly rank: number;
  /** `lora_alpha`; the rank by default, so that the change is not scaled. */
  readonly alpha?: number;
  /** `lora_dropout`; 0 by default. */
  readonly dropout?: number;
  /** `target_modules`. */
  readonly targets: LayerPattern;
  /** `exclude_modules`. */
  readonly exclude?: LayerPattern;
  /** `use_rslora`: scale by α / √r, not α / r (Kalajdzievski 2023, arXiv 2312.03732). */
  readonly rankStabilized?: boolean;
  /** `use_dora`. */
  readonly dora?: boolean;
  /** `rank_pattern`: other ranks for some layers, by pattern. */
  readonly ranks?: Readonly<Record<string, number>>;
  /** `alpha_pattern`: the same for α. */
  readonly alphas?: Readonly<Record<string, number>>;
}

/** α / r, or α / √r. */
function loraScaling(alpha: number, rank: number, rankStabilized = false): number {
  return alpha / (rankStabilized ? Math.sqrt(rank) : rank);
}

/** What stands before the path of a layer in the names of an adapter's weights. */
export const ADAPTER_PREFIX = 'base_model.model.';

/** Changes of low rank to many layers of a model, which can be taken away again. */
export class LoraAdapter {
  readonly name: string;
  readonly config: LoraConfig;
  /** By path of the layer that is changed. */
  readonly layers: ReadonlyMap<string, LoraLayer>;
  readonly #attach: readonly (() => () => void)[];
  #detach: readonly (() => void)[];
  readonly #parameters = new Map<string, Parameter>();

  /** See {@link attachLora}. */
  constructor(model: Module, config: LoraConfig, name: string) {
    this.name = name;
    this.config = config;
    const layers = new Map<string, LoraLayer>();
    const attach: (() => () => void)[] = [];
    for (const [path, linear] of targetLayers(model, config.targets, config.exclude)) {
      const rank = checkedRank(patternValue(config.ranks ?? {}, path) ?? config.rank, path);
      const alpha = patternValue(config.alphas ?? {}, path) ?? config.alpha ?? rank;
      const layer = new LoraLayer(linear, {
        rank,
        alpha,
        scaling: loraScaling(alpha, rank, config.rankStabilized),
        dropout: config.dropout ?? 0,
        dora: config.dora ?? false,
      });
      layers.set(path, layer);
      attach.push(() => linear.adapt(layer));
      const keep = (part: string, parameter: Parameter): void => {
        parameter.path = `${ADAPTER_PREFIX}${path}.${part}.${name}.weight`;
        this.#parameters.set(parameter.path, parameter);
      };
      keep('lora_A', layer.a);
      keep('lora_B', layer.b);
      if (layer.magnitude !== undefined) keep('lora_magnitude_vector', layer.magnitude);
    }
    this.layers = layers;
    this.#attach = attach;
    this.#detach = attach.map((add) => add());
  }

  /** Its weights, named as PEFT names them in memory: `base_model.model.<path>.lora_A.<name>.weight`. */
  parameters(): ReadonlyMap<string, Parameter> {
    return this.#parameters;
  }

  /**
   * First values, with which the model gives what it gave before.
   * @param weightOf values of a weight of the model as float32, which are asked for with DoRA only
   */
  async firstValues(
    random: Random,
    weightOf: (path: string, shape: readonly number[]) => HostTensor | Promise<HostTensor>,
  ): Promise<Record<string, HostTensor>> {
    const values: Record<string, HostTensor> = {};
    for (const [path, parameter] of this.#parameters)
      values[path] = parameter.initializer(parameter.shape, random.fork(path));
    for (const [path, { a, b, magnitude }] of this.layers) {
      if (magnitude === undefined) continue;
      const shape = [b.shape[0]!, a.shape[1]!];
      values[magnitude.path] = rowLengths(await weightOf(`${path}.weight`, shape));
    }
    return values;
  }

  /** What `act` traces does not hold the adapter: the model as it is by itself. */
  without<T>(act: () => T): T {
    const wasAttached = this.#detach.length > 0;
    this.detach();
    try {
      return act();
    } finally {
      if (wasAttached) this.#detach = this.#attach.map((add) => add());
    }
  }

  /** Takes it away from its model: graphs that are traced from now on do not hold it. */
  detach(): void {
    for (const remove of this.#detach) remove();
    this.#detach = [];
  }
}

/**
 * Adds changes of low rank to linear layers of a model. Its own weights keep their names. Several adapters of different
 * names add up.
 * @param name letters, digits and `_`
 * @throws GraphError when no layer is meant, or a rank or name cannot be
 */
export function attachLora(model: Module, config: LoraConfig, name = 'default'): LoraAdapter {
  if (!/^\w{1,64}$/.test(name))
    throw new GraphError(`an adapter cannot be called '${name.slice(0, 80)}'`, 'use letters, digits and _');
  return new LoraAdapter(model, config, name);
}

/** A model with its adapters, as something to be trained or run: the weights of both. */
export class AdaptedModel extends Module {
  readonly #base: Module;
  readonly #adapters: readonly LoraAdapter[];

  constructor(base: Module, adapters: readonly LoraAdapter[]) {
    super();
    this.#base = base;
    this.#adapters = adapters;
  }

  override parameters(): Map<string, Parameter> {
    return new Map([...this.#base.parameters(), ...this.#adapters.flatMap((adapter) => [...adapter.parameters()])]);
  }

  override modules(): Map<string, Module> {
    return this.#base.modules();
  }
}

/** Euclidean lengths of the rows of a matrix. @param weight [E, D] float32  @returns [E] */
function rowLengths({ shape, data }: HostTensor): HostTensor<'float32'> {
  const [rows, width] = shape as readonly [number, number];
  const lengths = hostTensor('float32', [rows]);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += Number(data[i]) ** 2;
    lengths.data[row] = Math.sqrt(sum);
  }
  return lengths;
}

function checkedRank(rank: number, path: string): number {
  if (Number.isInteger(rank) && rank >= 1 && rank <= 65_536) return rank;
  throw new GraphError(`a change of rank ${rank} to ${path}`, 'give a whole number from 1 up; 4 to 64 are usual');
}

/** Which tensors of a checkpoint are kept in few bits, by their names. */
import { z } from 'zod';
import { CheckpointError, isWeightDType, type WeightDType } from '../../core/index.ts';
import type { TensorDescription } from '../safetensors.ts';
import { BLOCK_SIZES, type BlockSize } from './config.ts';

/** How a weight is kept: in few bits, as another floating type, or (`stored`) as the file has it. */
export type WeightForm = 'int4' | 'int8' | WeightDType | 'stored';
const FORMS = ['int4', 'int8', 'float32', 'float16', 'bfloat16', 'stored'] as const satisfies readonly WeightForm[];

export interface QuantizationSettings {
  /** For the matrices of the language model's layers and, where it is tied to it, the table of embeddings; int4 unless told. */
  readonly default?: WeightForm;
  /**
   * Other forms for parts, by pattern: names of modules with dots between them, found anywhere in a tensor's name, `*` for
   * any one: `lm_head`, `vision_model`, `layers.0`, `mlp.*_proj`. A later one outweighs an earlier one. Vectors and
   * kernels of convolutions are never put into few bits. `lm_head` means the table of embeddings where that is tied to it.
   */
  readonly modules?: Readonly<Record<string, WeightForm>>;
  /** Numbers that share a scale; 32 unless told. Larger ones are smaller on disk, quicker and less exact. */
  readonly block?: BlockSize;
  /** One zero for all blocks (the default), or one for each, which is more exact and a little slower. */
  readonly symmetric?: boolean;
}

/** With every default filled in. */
export interface ResolvedSettings {
  readonly default: WeightForm;
  readonly modules: readonly (readonly [pattern: string, form: WeightForm])[];
  readonly block: BlockSize;
  readonly symmetric: boolean;
}

const schema = z.strictObject({
  default: z.literal(FORMS).default('int4'),
  modules: z.record(z.string().min(1).max(200), z.literal(FORMS)).default({}),
  block: z.literal(BLOCK_SIZES).default(32),
  symmetric: z.boolean().default(true),
});

/** @throws CheckpointError naming the setting that is wrong */
export function resolveSettings(settings: QuantizationSettings): ResolvedSettings {
  const result = schema.safeParse(settings);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    throw new CheckpointError(`quantization settings: ${path.join('.')}: ${message}`, 'correct the settings');
  }
  return { ...result.data, modules: Object.entries(result.data.modules) };
}

/** Parts of multimodal models that are not the language model. */
const OTHER_PARTS = /vision|visual|image|connector|projector|audio|qformer/;
const TOKEN_TABLE = /(^|\.)(embed_tokens|word_embeddings)\.weight$/;
const HEAD = /(^|\.)lm_head\.weight$/;
const WEIGHT = /(^|\.)weight$/;
const ANY_TABLE = /embed|position/;

/** Chooses the form of each tensor. */
export class FormChooser {
  readonly #settings: ResolvedSettings;
  readonly #patterns: readonly (readonly [pattern: RegExp, form: WeightForm])[];
  readonly #tied: boolean;

  /** @param names of all tensors: without an output layer among them the table of embeddings is taken for it */
  constructor(settings: ResolvedSettings, names: Iterable<string>) {
    this.#settings = settings;
    this.#patterns = settings.modules.map(([pattern, form]) => [patternOf(pattern), form]);
    this.#tied = ![...names].some((name) => HEAD.test(name));
  }

  formOf({ name, dtype, shape }: TensorDescription): WeightForm {
    if (!isWeightDType(dtype)) return 'stored';
    const form = this.#asked(name) ?? (this.#isLanguageMatrix(name, shape) ? this.#settings.default : 'stored');
    const inFewBits = form === 'int4' || form === 'int8';
    return inFewBits && (shape.length !== 2 || !WEIGHT.test(name)) ? 'stored' : form;
  }

  #asked(name: string): WeightForm | undefined {
    const isHead = this.#tied && TOKEN_TABLE.test(name);
    return this.#patterns.findLast(
      ([pattern]) => pattern.test(name) || (isHead && pattern.test('lm_head.weight')),
    )?.[1];
  }

  #isLanguageMatrix(name: string, shape: readonly number[]): boolean {
    if (shape.length !== 2 || OTHER_PARTS.test(name)) return false;
    if (TOKEN_TABLE.test(name)) return this.#tied;
    return !ANY_TABLE.test(name);
  }
}

function patternOf(pattern: string): RegExp {
  const parts = pattern.split('.').map((part) =>
    part
      .split('*')
      .map((text) => text.replaceAll(/[\\^$+?()[\]{}|]/g, String.raw`\$&`))
      .join('[^.]*'),
  );
  return new RegExp(String.raw`(^|\.)${parts.join(String.raw`\.`)}(\.|$)`);
}

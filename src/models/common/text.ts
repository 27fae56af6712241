// B batch, T tokens, D width
import { GraphError } from '../../core/index.ts';
import { add, slice, type Tensor } from '../../graph/index.ts';
import { Embedding, initializers, Module, paddingMask, Parameter } from '../../nn/index.ts';
import { Transformer, type TransformerConfig } from './transformer.ts';

/** A bidirectional transformer over token ids. */
export interface TextConfig extends TransformerConfig {
  readonly vocabularySize: number;
  /** Longest text in tokens. */
  readonly maxLength: number;
  /**
   * Deviation of the first vectors of the vocabulary; 0.02 unless told. Vectors near zero are soon alike, since what all words of a
   * place are taught outweighs what they begin with. With 1 they stay apart.
   */
  readonly embeddingDeviation?: number;
}

/** An encoder of a known architecture; as `PretrainedVisionConfig` is for pictures. */
export interface PretrainedTextConfig {
  readonly kind: 'pretrained';
  readonly vocabularySize: number;
  readonly maxLength: number;
  /** Contents of the encoder's `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** What a text encoder offers: one vector for each token. */
export interface TextEncoder extends Module {
  readonly width: number;
  /** Vectors of the vocabulary [V, D], which a head over words shares; absent where an encoder does not give them. */
  readonly words?: Parameter;
  /** @param ids [B, T] int64  @param keep [B, T], 1 where a token is real  @returns [B, T, D] */
  encode(ids: Tensor, keep: Tensor): Tensor;
}

/** @throws GraphError for an encoder of a known architecture, which has to be built elsewhere */
export function createTextEncoder(config: TextConfig | PretrainedTextConfig): TextEncoder {
  if (!('kind' in config)) return new TextTransformer(config);
  throw new GraphError(
    `a text encoder of type '${String(config.config['model_type'])}' was not given`,
    'build it from its config and hand it to the model',
  );
}

export class TextTransformer extends Module implements TextEncoder {
  readonly token_embedding: Embedding;
  readonly position_embedding: Parameter;
  readonly encoder: Transformer;
  readonly #config: TextConfig;

  constructor(config: TextConfig) {
    super();
    const initializer = initializers.normal(0.02);
    this.token_embedding = new Embedding(config.vocabularySize, config.width, {
      initializer: initializers.normal(config.embeddingDeviation ?? 0.02),
    });
    this.position_embedding = new Parameter([config.maxLength, config.width], initializer, { decay: false });
    this.encoder = new Transformer(config);
    this.#config = config;
  }

  get width(): number {
    return this.#config.width;
  }

  get words(): Parameter {
    return this.token_embedding.weight;
  }

  /** @param ids [B, T] int64  @param keep [B, T], 1 where a token is real  @returns [B, T, D] */
  forward(ids: Tensor, keep: Tensor): Tensor {
    const positions = slice(this.position_embedding.tensor, 0, 0, ids.shape[1]!);
    return this.encoder.forward(add(this.token_embedding.forward(ids), positions), paddingMask(keep));
  }

  encode(ids: Tensor, keep: Tensor): Tensor {
    return this.forward(ids, keep);
  }
}

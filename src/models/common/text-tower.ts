// B batch, T tokens, D width
import { add, type Tensor } from '../../graph/index.ts';
import { Embedding, Module } from '../../nn/index.ts';
import type { TextTowerConfig } from './tower-config.ts';
import { firstPositions, towerInitializer } from './tower.ts';

/** Token and position embeddings of CLIP's and SigLIP's text towers. */
export class TextTowerEmbeddings extends Module {
  readonly token_embedding: Embedding;
  readonly position_embedding: Embedding;

  constructor({ vocabularySize, maxLength, width }: TextTowerConfig) {
    super();
    this.token_embedding = new Embedding(vocabularySize, width, { initializer: towerInitializer });
    this.position_embedding = new Embedding(maxLength, width, { initializer: towerInitializer });
  }

  /** @param ids [B, T] int64  @returns [B, T, D] */
  forward(ids: Tensor): Tensor {
    return add(this.token_embedding.forward(ids), firstPositions(this.position_embedding.weight, ids));
  }
}

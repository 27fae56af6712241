// B batch, T tokens, D width, F rows of features, V vocabulary
import { concat, gather, reshape, tap, type Tensor } from '../../graph/index.ts';
import type { CausalLM } from './decoder.ts';

/**
 * Puts features of pictures in the place of image tokens.
 * @param embeddings [B, T, D]  @param features [F, D]
 * @param places [B, T] int64: which row each token takes of the B · T embeddings and the F features after them
 * @returns [B, T, D]
 */
export function placeFeatures(embeddings: Tensor, features: Tensor, places: Tensor): Tensor {
  const width = embeddings.shape.at(-1)!;
  return gather(concat([reshape(embeddings, [-1, width]), features], 0), places);
}

/**
 * Reads texts with pictures, all tokens at once, as in training. What goes into the decoder is named `embeddings`, what
 * comes out of it `states`.
 * @param ids [B, T] int64, T known while tracing  @param features [F, D]  @param places as in {@link placeFeatures}
 * @param mask added to the scores; causal by default
 * @returns logits [B, T, V]
 */
export function readWithPictures(
  language: CausalLM,
  ids: Tensor,
  { features, places, mask }: { features: Tensor; places: Tensor; mask?: Tensor | undefined },
): Tensor {
  const embedded = tap('embeddings', placeFeatures(language.embed(ids), tap('features', features), places));
  return language.logits(tap('states', language.model.forward(embedded, mask)));
}

// B batch, T tokens, D width, F rows of features, R rows and K of them that a feature is made of, V vocabulary
import { hostTensor, type HostTensor } from '../../core/index.ts';
import { concat, gather, matmul, reshape, type Tensor } from '../../graph/index.ts';
import type { Arrangement } from './generating.ts';

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

/** Features as an arrangement has them. @param table [R, D]  @param rows [F, K] int64  @param weights [F, K]  @returns [F, D] */
export function arrange(table: Tensor, rows: Tensor, weights: Tensor): Tensor {
  const [count, parts] = weights.shape;
  const mixed = matmul(reshape(weights, [count!, 1, parts!]), gather(table, rows));
  return reshape(mixed, [count!, table.shape[1]!]);
}

/** As {@link arrange}, outside of a graph. @param table [R, D]  @returns [F, D] */
export function arrangeRows(table: HostTensor<'float32'>, { rows, weights }: Arrangement): HostTensor<'float32'> {
  const [count, parts] = rows.shape as readonly [number, number];
  const width = table.shape[1]!;
  const features = hostTensor('float32', [count, width]);
  for (let i = 0; i < count; i++) {
    const to = features.data.subarray(i * width, (i + 1) * width);
    for (let k = 0; k < parts; k++) {
      const weight = weights.data[i * parts + k]!;
      if (weight === 0) continue;
      const from = Number(rows.data[i * parts + k]!) * width;
      if (weight === 1) to.set(table.data.subarray(from, from + width));
      else for (let d = 0; d < width; d++) to[d]! += weight * table.data[from + d]!;
    }
  }
  return features;
}

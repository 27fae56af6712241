// I pictures, T texts, D width of the shared space
import { add, exp, l2Normalize, matmul, mul, type Tensor } from '../../graph/index.ts';

/** What a model of pictures and texts gives. */
export interface ImageTextOutput {
  /** [I, D], of any length */
  readonly imageFeatures: Tensor;
  /** [T, D], of any length */
  readonly textFeatures: Tensor;
  /** How well each text fits each picture, [I, T]. */
  readonly logits: Tensor;
}

/**
 * Scaled cosines between pictures and texts.
 * @param image [I, D]  @param text [T, D]
 * @param logScale logarithm of the scale, one element  @param bias one element
 * @returns [I, T]
 */
export function similarityLogits(image: Tensor, text: Tensor, logScale: Tensor, bias?: Tensor): Tensor {
  const cosines = matmul(l2Normalize(image), l2Normalize(text), { transB: true });
  const scaled = mul(cosines, exp(logScale));
  return bias === undefined ? scaled : add(scaled, bias);
}

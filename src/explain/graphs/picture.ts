/** What is computed of a picture encoder, for one tile or one whole picture. */
// R rows of features, D width
import { gradients } from '../../autodiff/index.ts';
import type { HostTensor } from '../../core/index.ts';
import { input, type Tensor } from '../../graph/index.ts';
import type { ImageTextModel } from '../../models/index.ts';

/** Name of the input that holds the gradient with respect to the features, [R, D]. */
export const UPSTREAM = 'upstream';
/** Name of the encoder's input that holds pixels. */
export const PIXELS = 'pixel_values';

type Values = Readonly<Record<string, HostTensor>>;

/** Inputs of the sizes of these values. Gradients want sizes that are known. */
function inputsLike(values: Values): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  );
}

/** @returns `features` [R, D] */
export function featureGraph(model: ImageTextModel, values: Values): Record<string, Tensor> {
  return { features: model.pictureFeatures(inputsLike(values)) };
}

/** @returns `gradient` with respect to the pixels, of their shape */
export function pixelGraph(model: ImageTextModel, values: Values): Record<string, Tensor> {
  const inputs = inputsLike(values);
  const features = model.pictureFeatures(inputs);
  const [gradient] = gradients(features, [inputs[PIXELS]!], input(UPSTREAM, 'float32', features.shape));
  return { gradient: gradient! };
}

import { resolveModel } from '../../../auto/node/index.ts';
import { shuffledOrder, type SampleSource } from '../../../data/index.ts';
import { openReader } from '../../conversations/node/dataset.ts';
import { type ViewedSample, viewProblem, type ViewReader, viewSample } from '../view.ts';

/** What reads conversations into tokens, of a model by its name. @throws CheckpointError */
export async function openViewReader(model: string, offline?: boolean): Promise<ViewReader> {
  const folder = await resolveModel(model, offline === undefined ? {} : { offline });
  const { config, ...reader } = await openReader(folder);
  const imageToken = config['image_token_id'] ?? config['image_token_index'];
  return { ...reader, ...(typeof imageToken === 'number' ? { imageToken } : {}) };
}

/**
 * Opens some samples to be looked at, one after the other.
 * @param seed where given, samples are drawn by it; else they are the first ones
 */
export async function* viewSamples(
  source: SampleSource,
  count: number,
  { reader, seed }: { readonly reader?: ViewReader | undefined; readonly seed?: number | undefined } = {},
): AsyncGenerator<ViewedSample> {
  const order = seed === undefined ? undefined : shuffledOrder(source.length, seed, 0);
  for (let i = 0; i < Math.min(count, source.length); i++) {
    const index = order?.[i] ?? i;
    let sample;
    try {
      sample = await source.sample(index, { seed: seed ?? 0, epoch: 0 });
    } catch (error) {
      yield viewProblem(index, error);
      continue;
    }
    yield await viewSample(index, sample, reader);
  }
}

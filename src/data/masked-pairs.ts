import { DataError, type HostTensor } from '../core/index.ts';
import { sampleRandom, type Batch, type Dataset, type Position } from './dataset.ts';
import { Masker } from './masking.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** Sets the streams of hidden words apart from those that other parts of a sample draw from. */
const MASKS = 0x6d61_736b;

/**
 * Pictures with descriptions, of which words are hidden anew in each pass: what pretraining reads. It takes the batches of
 * another dataset, which has `pixels`, `concept`, `description_ids` and `description_mask`, and gives these and
 * - `masked_ids` [B, T] int64: the descriptions with hidden words
 * - `masked_places` [B, M] int64 and `masked_labels` [B, M] int64: see {@link Masker}
 */
export class MaskedPairs implements Dataset {
  readonly #pairs: Dataset;
  readonly #masker: Masker;

  /** @throws DataError for a tokenizer without a [MASK] token */
  constructor(pairs: Dataset, tokenizer: TextTokenizer) {
    this.#pairs = pairs;
    this.#masker = new Masker(tokenizer);
  }

  get length(): number {
    return this.#pairs.length;
  }

  async batch(position: Position, size: number): Promise<Batch> {
    const { tensors, ids } = await this.#pairs.batch(position, size);
    const take = <D extends 'int64' | 'float32'>(name: string, dtype: D): HostTensor<D> => {
      const tensor = tensors[name];
      if (tensor?.dtype !== dtype) throw new DataError(`pairs without a tensor '${name}' have nothing to hide`);
      return tensor as HostTensor<D>;
    };
    const description = { ids: take('description_ids', 'int64'), mask: take('description_mask', 'float32') };
    const { seed, epoch, index } = position;
    const randoms = ids.map((_, row) => sampleRandom(seed ^ MASKS, epoch, index + row));
    const masked = this.#masker.mask(description, randoms);
    return {
      tensors: {
        pixels: take('pixels', 'float32'),
        concept: take('concept', 'int64'),
        description_ids: description.ids,
        description_mask: description.mask,
        masked_ids: masked.ids,
        masked_places: masked.places,
        masked_labels: masked.labels,
      },
      ids,
    };
  }

  async close(): Promise<void> {
    await this.#pairs.close?.();
  }
}

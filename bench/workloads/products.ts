import { type ProductShape, transformerProducts } from '../product-rate.ts';
import { GPT } from './gpt.ts';
import { VIT } from './vit.ts';

const patches = (VIT.size / VIT.patch) ** 2;

/** The forward products of each workload. */
export const PRODUCTS: Readonly<Record<'gpt' | 'vit', readonly ProductShape[]>> = {
  gpt: transformerProducts({ ...GPT, outputs: GPT.vocabulary, outputRows: GPT.batch * GPT.length }),
  vit: [
    ...transformerProducts({ ...VIT, length: patches + 1, outputs: VIT.classes, outputRows: VIT.batch }),
    { count: 1, batch: 1, rows: VIT.batch * patches, inner: 3 * VIT.patch ** 2, columns: VIT.width },
  ],
};

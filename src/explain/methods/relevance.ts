import { noMaps } from '../opened-model.ts';
import { laidOut } from './attention.ts';
import type { Method } from './types.ts';

/**
 * Gradient-weighted relevance (Chefer et al. 2021, arXiv 2103.15679): attention of every layer and head counts as far as it raises
 * the token's logit. In a decoder, where pictures stand among the text, rules 5 and 6 are all that is needed.
 */
export const relevance: Method = async (exchange, chosen) => {
  const features = await exchange.features();
  const maps = [];
  for (const k of chosen) {
    const { relevance: row } = await exchange.owed(k, features);
    if (row.length === 0) throw noMaps(exchange.opened.language.name);
    maps.push(laidOut(exchange, row));
  }
  return maps;
};

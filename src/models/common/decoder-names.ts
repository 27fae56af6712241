import type { NamingRules } from '../../hub/index.ts';

/** Files of Llama's family: a tied output layer may be written out again, and old ones hold the rotary frequencies. */
export function decoderNames(tied: boolean): NamingRules {
  return { ignored: [/rotary_emb\.inv_freq$/, ...(tied ? [/^lm_head\.weight$/] : [])] };
}

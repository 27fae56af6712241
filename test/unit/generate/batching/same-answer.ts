import { expect } from 'vitest';
import type { HostTensor } from '../../../../src/core/index.ts';
import { type Decoding, piecesOf, type Prompt } from '../../../../src/generate/index.ts';

/** Where the two best logits are nearer than this, rounding may choose. */
const MARGIN = 1e-3;

/**
 * Holds an answer against what the model says alone, token by token: each must be the likeliest after those before it,
 * wherever the two likeliest differ by more than rounding.
 */
export async function expectSameAnswer(decoding: Decoding, prompt: Prompt, answer: readonly number[]): Promise<void> {
  const state = await decoding.start(1, prompt.tokens.length + answer.length);
  try {
    let logits: HostTensor<'float32'> | undefined;
    for (const piece of piecesOf(prompt, 0, decoding.imageToken)) logits = await state.read([piece]);
    for (const [i, token] of answer.entries()) {
      const { data } = logits!;
      const sorted = [...data].sort((a, b) => b - a) as [number, number];
      const clear = sorted[0] - sorted[1] > MARGIN;
      if (clear) expect(data[token], `token ${i} of ${answer.length}`).toBe(sorted[0]);
      else expect(data[token]).toBeGreaterThan(sorted[0] - MARGIN);
      logits = await state.read([[token]]);
    }
  } finally {
    state.dispose();
  }
}

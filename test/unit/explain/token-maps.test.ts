import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LanguageModel, Message } from '../../../src/auto/index.ts';
import { load } from '../../../src/auto/node/index.ts';
import { DataError } from '../../../src/core/index.ts';
import { picture } from '../../../src/data/index.ts';
import { explain, TokenMaps } from '../../../src/explain/index.ts';

let model: LanguageModel;
beforeAll(async () => {
  model = (await load('starter', { threads: 1 })) as LanguageModel;
}, 120_000);
afterAll(() => model.dispose());

const image = picture(
  112,
  112,
  3,
  new Uint8Array(112 * 112 * 3).map((_, i) => (i * 7919) % 256),
);
const asked: Message[] = [
  {
    role: 'user',
    content: [
      { type: 'image', image },
      { type: 'text', text: 'Describe the picture.' },
    ],
  },
];
const ANSWER = 'The picture shows a red apple.';

describe('TokenMaps', () => {
  it('gives for each token what the whole answer, read at once, looks at', async () => {
    const whole = await explain(model, [...asked, { role: 'assistant', content: ANSWER }], { method: 'attention' });
    const maps = await TokenMaps.begin(model, asked);
    try {
      expect(maps.grid).toEqual(whole.grid);
      const tokens = model.parts.tokenizer.encode(ANSWER, { specialTokens: false });
      expect(tokens).toHaveLength(whole.tokens.length);
      for (const [k, token] of tokens.entries()) {
        const map = await maps.next(token);
        // Answers are made with both sides of a product in 8 bits, explanations with float32.
        map.forEach((weight, cell) => expect(Math.abs(weight - whole.tokens[k]!.map[cell]!)).toBeLessThan(0.05));
      }
    } finally {
      maps.dispose();
    }
  }, 120_000);

  it('may be left before the first token', async () => {
    const maps = await TokenMaps.begin(model, asked);
    maps.dispose();
    maps.dispose();
    await expect(TokenMaps.begin(model, [{ role: 'user', content: 'Hello' }])).rejects.toThrow(DataError);
  }, 120_000);
});

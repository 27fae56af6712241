import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { trainByteLevelBpe } from '../../src/data/byte-level-bpe.ts';
import type { ChatMessage } from '../../src/data/chat-template.ts';
import { CheckpointTokenizer } from '../../src/data/checkpoint-tokenizer.ts';
import { CONVERSATION_TOKENS, locationTokens, tokenizerConfig } from '../../src/data/tokenizer-config.ts';

interface Expected {
  readonly corpus: readonly string[];
  readonly cases: readonly { readonly text: string; readonly ids: readonly number[]; readonly plain: string }[];
  readonly chat: readonly ChatMessage[];
  readonly rendered: readonly [string, string];
  readonly padding_side: string;
  readonly pad: number;
  readonly end: number;
  readonly size: number;
}

const read = (name: string): any =>
  JSON.parse(readFileSync(new URL(`fixtures/byte-level/${name}.json`, import.meta.url), 'utf8'));
const expected: Expected = read('expected');
const files = { tokenizer: read('tokenizer'), tokenizerConfig: read('tokenizer_config') };
const tokenizer = new CheckpointTokenizer(files);

describe('a trained byte-level tokenizer, as the Python library reads it', () => {
  it('gives equal ids and equal text', () => {
    expect(expected.cases.length).toBeGreaterThan(300);
    for (const { text, ids, plain } of expected.cases) {
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(plain);
      // Decoding takes off the space that a text begins with.
      expect(tokenizer.decode(ids, { specialTokens: true })).toBe(text.replace(/^ /, ''));
    }
  });

  it('has its padding, its end and its conversations', () => {
    expect(tokenizer.padId).toBe(expected.pad);
    expect(tokenizer.eosId).toBe(expected.end);
    expect(tokenizer.paddingSide).toBe(expected.padding_side);
    expect(tokenizer.vocabularySize).toBe(expected.size);
    const templates = tokenizer.chatTemplates!;
    expect(templates.render(expected.chat.slice(0, 1), { addGenerationPrompt: true })).toBe(expected.rendered[0]);
    expect(templates.render(expected.chat)).toBe(expected.rendered[1]);
  });

  it('is what training gives', () => {
    const addedTokens = locationTokens(8);
    const options = { vocabSize: 600, specialTokens: CONVERSATION_TOKENS, addedTokens, trimStart: true };
    const { model, ...rest } = JSON.parse(JSON.stringify(trainByteLevelBpe(expected.corpus, options)));
    const { model: before, ...restBefore } = files.tokenizer;
    expect(rest).toEqual(restBefore);
    // Which words of Chinese there are is told by the engine's dictionary, which may differ from release to release.
    expect(Object.keys(model.vocab).length).toBe(Object.keys(before.vocab).length);
    expect(files.tokenizerConfig).toEqual(tokenizerConfig());
  });
});

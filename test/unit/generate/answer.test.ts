import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LanguageModel } from '../../../src/auto/index.ts';
import { load } from '../../../src/auto/node/index.ts';
import { TextStream } from '../../../src/data/index.ts';
import { AnswerText, regexConstraint, type BeamTextOptions } from '../../../src/generate/index.ts';
import { writeChatFolder } from '../../chat-folder.ts';

/** Tokens are bytes. */
const BYTES = { stream: () => new TextStream((ids) => Buffer.from(ids).toString()) };

/** What is shown after each byte of a text, and at the end. */
function shown(text: string, stop: readonly string[]): string[] {
  const answer = new AnswerText(BYTES, stop);
  const pieces: string[] = [];
  for (const byte of Buffer.from(text)) {
    answer.push(byte);
    pieces.push(answer.take());
    if (answer.stopped) return [...pieces, '■'];
  }
  answer.end();
  return [...pieces, answer.take()];
}

describe('stop strings', () => {
  it('hold back what may begin one, and cut before it', () => {
    expect(shown('a\nb\n\nc', ['\n\n'])).toEqual(['a', '', '\nb', '', '', '■']);
    expect(shown('aab', ['aac'])).toEqual(['', '', 'aab', '']);
    expect(shown('xaabaac', ['aac'])).toEqual(['x', '', '', 'aab', '', '', '', '■']);
    expect(shown('ab', ['abc', 'x'])).toEqual(['', '', 'ab']);
    expect(shown('a日本', ['日本'])).toEqual(['a', '', '', '', '', '', '', '■']);
  });

  it('the first in the text counts, whichever comes first in the list', () => {
    expect(shown('one two', ['two', 'e t']).join('')).toBe('on■');
    expect(shown('abcd', ['bcd', 'c']).join('')).toBe('ab■');
  });

  it('agree with a search in the whole text', () => {
    let seed = 1;
    const next = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
    for (let round = 0; round < 500; round++) {
      const word = (least: number, most: number): string =>
        Array.from({ length: least + next(most) }, () => 'ab'[next(2)]).join('');
      const [text, stop] = [word(5, 20), [word(1, 5), word(1, 5)]];
      // The stop string that ends first ends the answer; before the earliest beginning of those that end there.
      let expected = text;
      for (let end = 1; end <= text.length; end++) {
        const found = stop.filter((one) => text.slice(0, end).endsWith(one));
        if (found.length === 0) continue;
        expected = `${text.slice(0, end - Math.max(...found.map(({ length }) => length)))}■`;
        break;
      }
      expect(shown(text, stop).join('')).toBe(expected);
    }
  });
});

describe('a language model', () => {
  /** One token a byte, for the letters that 97 tokens have room for. */
  const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  const tokenizer = {
    added_tokens: [{ id: 94, content: '</s>', special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', vocab: Object.fromEntries(letters.map((letter, i) => [letter, i])), merges: [] },
  };
  const prompt = { tokens: [5, 9, 30] };
  let folder: string;
  let model: LanguageModel;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'answer-'));
    await writeChatFolder(folder, {
      'tokenizer.json': tokenizer,
      'tokenizer_config.json': { eos_token: '</s>' },
      'generation_config.json': { eos_token_id: 94 },
    });
    const loaded = await load(folder, { threads: 1 });
    if (!(loaded instanceof LanguageModel)) throw new Error(loaded.kind);
    model = loaded;
  });
  afterAll(async () => {
    await model.dispose();
    await rm(folder, { recursive: true });
  });

  async function answered(
    options: BeamTextOptions,
  ): Promise<{ text: string; tokens: number; finish: string | undefined }[]> {
    const rows = Array.from({ length: options.answers ?? 1 }, () => ({
      text: '',
      tokens: 0,
      finish: undefined as string | undefined,
    }));
    for await (const { text, token } of model.answer(prompt, options)) {
      const row = rows[token.row]!;
      row.text += text;
      row.tokens++;
      row.finish = token.finish;
    }
    return rows;
  }

  it('ends each answer before a stop string', async () => {
    // The model has three tokens more than its tokenizer, which show nothing.
    const options = { maxNewTokens: 60, stopTokens: [], answers: 3, temperature: 3, seed: 2 };
    const whole = await answered(options);
    for (const { text, finish, tokens } of whole)
      expect([text.length > 20, finish, tokens]).toEqual([true, 'length', 60]);
    const stop = whole[1]!.text.slice(8, 10);
    const cut = await answered({ ...options, stop: [stop] });
    for (const [row, { text, finish }] of cut.entries()) {
      const at = whole[row]!.text.indexOf(stop);
      expect([text, finish]).toEqual(at < 0 ? [whole[row]!.text, 'length'] : [whole[row]!.text.slice(0, at), 'stop']);
    }
    expect(cut[1]!.tokens).toBeLessThan(60);
  });

  it('keeps the last letter of an answer that can only end', async () => {
    const constraint = regexConstraint('[ab]{4}', model.parts.tokenizer.tokenBytes());
    const [only] = await answered({ constraint });
    const { text, finish } = only!;
    expect(text).toMatch(/^[ab]{4}$/);
    expect(finish).toBe('stop');
  });

  it('gives what beam search finds, cut before a stop string', async () => {
    const options = { numBeams: 3, answers: 2, maxNewTokens: 10, stopTokens: [] };
    const [best, second] = await answered(options);
    expect([best!.finish, best!.tokens, second!.tokens]).toEqual(['length', 10, 10]);
    expect(second!.text).not.toBe(best!.text);
    const stop = best!.text.slice(4, 6);
    const [cut] = await answered({ ...options, stop: [stop] });
    expect([cut!.text, cut!.finish]).toEqual([best!.text.slice(0, best!.text.indexOf(stop)), 'stop']);
    await expect(answered({ ...options, temperature: 1 })).rejects.toMatchObject({ code: 'generation' });
  });

  it('refuses stop strings that are empty', async () => {
    await expect(answered({ stop: [''] })).rejects.toMatchObject({ code: 'generation' });
  });
});

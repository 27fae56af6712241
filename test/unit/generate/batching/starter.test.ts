/** Requests that join and leave a running batch of the starter answer as they do alone. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LanguageModel } from '../../../../src/auto/index.ts';
import { load } from '../../../../src/auto/node/index.ts';
import { Random } from '../../../../src/core/index.ts';
import {
  ContinuousBatch,
  type Constraint,
  type GeneratedToken,
  type GenerateOptions,
  generate,
  type Prompt,
} from '../../../../src/generate/index.ts';
import { expectSameAnswer } from './same-answer.ts';

const STARTER = fileURLToPath(new URL('../../../../starter', import.meta.url));

let model: LanguageModel;
beforeAll(async () => {
  const loaded = await load(STARTER, { threads: 1 });
  if (!(loaded instanceof LanguageModel)) throw new Error(loaded.kind);
  model = loaded;
});
afterAll(async () => {
  await model.dispose();
});

async function all(tokens: AsyncIterable<GeneratedToken>): Promise<GeneratedToken[]> {
  const list: GeneratedToken[] = [];
  for await (const token of tokens) list.push(token);
  return list;
}

const turns = (times: number): Promise<void> =>
  times === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(() => resolve(turns(times - 1))));

async function promptOf(random: Random, length: number): Promise<Prompt> {
  const tokens = Array.from({ length }, () => 10 + random.integer(model.parts.decoding.vocabularySize - 10));
  return { tokens };
}

describe('a continuous batch', () => {
  it('gives each of many requests, which come and go at random, what it gets alone', async () => {
    const random = new Random(5);
    const batch = await ContinuousBatch.create(model.parts.decoding, { rows: 5 });
    const requests = await Promise.all(
      Array.from({ length: 24 }, async (_, i) => ({
        prompt: await promptOf(random.fork(`prompt ${i}`), 1 + random.integer(i % 6 === 0 ? 300 : 40)),
        maxNewTokens: 1 + random.integer(40),
        wait: random.integer(30),
        end: i % 5 === 4 ? 1 + random.integer(8) : undefined,
      })),
    );
    const answers = await Promise.all(
      requests.map(async ({ prompt, maxNewTokens, wait, end }) => {
        await turns(wait);
        const tokens: number[] = [];
        for await (const { token } of batch.generate(prompt, { maxNewTokens })) {
          tokens.push(token);
          if (tokens.length === end) break;
        }
        return tokens;
      }),
    );
    for (const [i, { prompt, maxNewTokens, end }] of requests.entries()) {
      const count = Math.min(end ?? maxNewTokens, maxNewTokens);
      expect(answers[i]).toHaveLength(count);
      await expectSameAnswer(model.parts.decoding, prompt, answers[i]!);
    }
    const { writing, reading, waiting, steps } = batch.stats;
    expect({ writing, reading, waiting }).toEqual({ writing: 0, reading: 0, waiting: 0 });
    // They were indeed answered together.
    expect(steps).toBeLessThan(0.6 * answers.reduce((sum, { length }) => sum + length, 0));
    await batch.dispose();
  });

  it('draws what generate draws, with log-probabilities, alternatives and several answers', async () => {
    const batch = await ContinuousBatch.create(model.parts.decoding);
    const prompt = await promptOf(new Random(2), 12);
    const options: GenerateOptions = {
      maxNewTokens: 12,
      answers: 3,
      temperature: 0.8,
      topP: 0.9,
      seed: 11,
      repetitionPenalty: 1.1,
      alternatives: 2,
    };
    const [together, beside] = await Promise.all([
      all(batch.generate(prompt, options)),
      all(batch.generate((await promptOf(new Random(3), 30)).tokens, { maxNewTokens: 20 })),
    ]);
    expect(beside).toHaveLength(20);
    const alone = await all(generate(model.parts.decoding, [prompt], options));
    for (let row = 0; row < 3; row++) {
      const [a, b] = [together, alone].map((tokens) => tokens.filter((token) => token.row === row)) as [
        GeneratedToken[],
        GeneratedToken[],
      ];
      expect(a.map(({ token }) => token)).toEqual(b.map(({ token }) => token));
      expect(a.at(-1)!.finish).toBe('length');
      for (const [i, { logProbability, alternatives }] of a.entries()) {
        expect(logProbability).toBeCloseTo(b[i]!.logProbability!, 2);
        expect(alternatives!.map(({ token }) => token)).toEqual(b[i]!.alternatives!.map(({ token }) => token));
      }
    }
    await batch.dispose();
  });

  it('frees the place of a request that nobody listens to, or that was told to end, within a token', async () => {
    const batch = await ContinuousBatch.create(model.parts.decoding, { rows: 2 });
    const stop = new AbortController();
    const told = batch.generate([20, 21, 22], { maxNewTokens: 500, signal: stop.signal });
    const left = batch.generate([30, 31, 32], { maxNewTokens: 500 });
    await told.next();
    await left.next();
    // Both places are taken: the third waits for one of them.
    const third = all(batch.generate([40, 41, 42], { maxNewTokens: 3 }));
    await turns(3);
    expect(batch.stats.waiting).toBe(1);
    const written = batch.stats.written;
    await left.return();
    expect(await third).toHaveLength(3);
    // Two rows wrote while the third was read and answered; nobody wrote for the one that left.
    expect(batch.stats.written - written).toBeLessThan(60);
    stop.abort(new Error('enough'));
    await expect(
      (async () => {
        for await (const _ of told);
      })(),
    ).rejects.toThrow('enough');
    // A token that is on its way comes to its end; on a busy machine that takes a while.
    const before = batch.stats.written;
    for (let i = 0; i < 2000 && batch.stats.writing > 0; i++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(batch.stats).toMatchObject({ writing: 0, reading: 0, waiting: 0 });
    expect(batch.stats.written - before).toBeLessThanOrEqual(1);
    await batch.dispose();
  });

  it('keeps an error in one request from all others', async () => {
    const batch = await ContinuousBatch.create(model.parts.decoding);
    const broken: Constraint = {
      finished: false,
      mask: () => {},
      accept: (() => {
        let count = 0;
        return () => {
          if (++count === 4) throw new Error('a broken constraint');
        };
      })(),
    };
    const good = all(batch.generate([20, 21, 22, 23], { maxNewTokens: 30 }));
    const seen: number[] = [];
    const bad = (async () => {
      for await (const { token } of batch.generate([30, 31], { maxNewTokens: 30, constraint: { start: () => broken } }))
        seen.push(token);
    })();
    await expect(bad).rejects.toThrow('a broken constraint');
    expect(seen).toHaveLength(3);
    const tokens = (await good).map(({ token }) => token);
    expect(tokens).toHaveLength(30);
    await expectSameAnswer(model.parts.decoding, { tokens: [20, 21, 22, 23] }, tokens);
    await batch.dispose();
  });

  it('does not wait for a listener that is slow', async () => {
    const batch = await ContinuousBatch.create(model.parts.decoding);
    const slow = batch.generate([20, 21, 22], { maxNewTokens: 40 });
    await slow.next();
    expect(await all(batch.generate([30, 31, 32], { maxNewTokens: 60 }))).toHaveLength(60);
    expect(batch.stats.writing).toBe(0);
    expect(await all(slow)).toHaveLength(39);
    await batch.dispose();
  });

  it('says what is wrong with a request', async () => {
    const batch = await ContinuousBatch.create(model.parts.decoding);
    await expect(batch.generate([]).next()).rejects.toThrow('prompt 0 is empty');
    await expect(batch.generate([20], { maxNewTokens: 5000 }).next()).rejects.toThrow('more than the 1024');
    await expect(batch.generate([20], { temperature: -1 }).next()).rejects.toThrow('temperature');
    await expect(batch.generate([20], { answers: 0 }).next()).rejects.toThrow('answers');
    const under = batch.generate([20, 21], { maxNewTokens: 900 });
    await under.next();
    await batch.dispose();
    await expect(
      (async () => {
        for await (const _ of under);
      })(),
    ).rejects.toThrow('disposed');
    await expect(batch.generate([20]).next()).rejects.toThrow('disposed');
  });
});

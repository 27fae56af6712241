import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LanguageModel, Message } from '../../../src/auto/index.ts';
import { load } from '../../../src/auto/node/index.ts';
import { DataError } from '../../../src/core/index.ts';
import { type Picture, picture } from '../../../src/data/index.ts';
import { explain, EXPLANATION_METHODS } from '../../../src/explain/index.ts';
import { Exchange } from '../../../src/explain/exchange.ts';
import { dim, integrate } from '../../../src/explain/methods/gradients.ts';
import { OpenedModel } from '../../../src/explain/opened-model.ts';

let model: LanguageModel;
beforeAll(async () => {
  model = (await load('starter', { threads: 1 })) as LanguageModel;
}, 120_000);
afterAll(() => model.dispose());

/** A red square on the right of a white picture. */
function drawing(width = 112, height = 112): Picture {
  const data = new Uint8Array(width * height * 3).fill(255);
  for (let y = 15; y < 45; y++)
    for (let x = width - 40; x < width - 10; x++) data.set([220, 30, 20], (y * width + x) * 3);
  return picture(width, height, 3, data);
}

function asked(image: Picture, text: string, answer?: string): Message[] {
  const question: Message = {
    role: 'user',
    content: [
      { type: 'image', image },
      { type: 'text', text },
    ],
  };
  return answer === undefined ? [question] : [question, { role: 'assistant', content: answer }];
}

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

describe('explain', () => {
  it.each(EXPLANATION_METHODS.filter((method) => method !== 'integrated-gradients'))(
    'gives maps of each token and of all by %s',
    async (method) => {
      const result = await explain(model, asked(drawing(112, 56), 'Which colour?', 'red'), { method });
      expect(result).toMatchObject({ method, answer: 'red', picture: { width: 112, height: 56 } });
      const { rows, cols } = result.grid;
      // The picture fills half of the square that the model sees.
      expect(cols).toBeGreaterThan(rows);
      for (const map of [result.overall, ...result.tokens.map((token) => token.map)]) {
        expect(map).toHaveLength(rows * cols);
        expect(Math.min(...map)).toBeGreaterThanOrEqual(0);
        // Six digits of each weight are given.
        expect(sum(map)).toBeCloseTo(1, 4);
      }
      expect(result.tokens.map(({ text }) => text).join('')).toBe('red');
      expect(result.tokens.every(({ logprob }) => logprob <= 0)).toBe(true);
    },
    120_000,
  );

  it('answers where the conversation ends with a question, and measures how far to trust the map', async () => {
    const image = drawing();
    const result = await explain(model, asked(image, 'What is the colour?'), {
      method: 'attention',
      faithfulness: true,
      maxTokens: 3,
    });
    let text = '';
    for await (const piece of model.answer(await model.prompt(asked(image, 'What is the colour?')), {
      maxNewTokens: 3,
    }))
      text += piece.text;
    expect(result.answer).toBe(text);
    const { deletion, insertion } = result.faithfulness!;
    expect(deletion.share.at(-1)).toBe(1);
    // Nothing covered is the picture itself, and so is all of it shown.
    expect(deletion.probability[0]).toBeCloseTo(insertion.probability.at(-1)!, 5);
    const likelihood = Math.exp(sum(result.tokens.map(({ logprob }) => logprob)) / result.tokens.length);
    expect(deletion.probability[0]).toBeCloseTo(likelihood, 5);
    expect(deletion.probability.at(-1)).toBeCloseTo(insertion.probability[0]!, 5);
  }, 120_000);

  it('ties each step of an answer to a region', async () => {
    const answer = 'Step 1: the tools are hammer, axe. Step 2: the biggest is axe. Answer: axe';
    const { trace, tokens } = await explain(model, asked(drawing(), 'Which?', answer), { method: 'attention' });
    expect(trace!.map(({ text }) => text)).toEqual([
      'Step 1: the tools are hammer, axe.',
      'Step 2: the biggest is axe.',
      'Answer: axe',
    ]);
    expect(trace!.map(({ start }) => start).slice(1)).toEqual(trace!.map(({ end }) => end).slice(0, -1));
    expect(trace!.at(-1)!.end).toBe(tokens.length);
    for (const { box, map } of trace!) {
      expect(sum(map)).toBeCloseTo(1, 4);
      expect(box![0]).toBeLessThan(box![2]);
      expect(box![1]).toBeLessThan(box![3]);
    }
  }, 120_000);

  it('takes steps that begin with another number as sentences', async () => {
    const answer = 'Step 2: the biggest is axe. It is red. Answer: axe';
    const { trace } = await explain(model, asked(drawing(), 'Which?', answer), { method: 'attention' });
    expect(trace!.map(({ text }) => text)).toEqual(['Step 2: the biggest is axe.', 'It is red.', 'Answer: axe']);
  }, 120_000);

  it('takes the box that a step writes', async () => {
    const answer = 'Here is one.\n<loc00><loc31><loc63><loc63>';
    const { trace } = await explain(model, asked(drawing(), 'Where?', answer), { method: 'attention' });
    expect(trace!.at(-1)!.box).toEqual([0, 31 / 63, 1, 1]);
  }, 120_000);

  it('says what is missing', async () => {
    await expect(explain(model, [{ role: 'user', content: 'Hello' }])).rejects.toThrow(DataError);
    await expect(explain(model, asked(drawing(), 'What?', ''))).rejects.toThrow('nothing to explain');
    await expect(explain(model, asked(drawing(), 'What?', 'red'), { method: 'magic' as never })).rejects.toThrow(
      'no method',
    );
  });
});

describe('integrated gradients', () => {
  it('add up to what the picture changes in the logit', async () => {
    const opened = OpenedModel.of(model);
    const { text, pictures } = model.written(asked(drawing(), 'Which colour?'));
    // Behind a space, as the model's answers begin.
    const answer = model.parts.tokenizer.encode(' red', { specialTokens: false });
    const exchange = new Exchange(opened, { text, pictures, picture: 0, answer });
    const logit = async (share: number): Promise<number> =>
      (await exchange.owed(0, await exchange.features(dim(exchange.prepared(), share)))).logit;
    const difference = (await logit(1)) - (await logit(0));
    const total = async (steps: number): Promise<number> =>
      sum((await integrate(exchange, 0, steps)).map(({ data }) => sum(data)));
    const errors = [Math.abs((await total(4)) - difference), Math.abs((await total(256)) - difference)];
    // The middle rule over a network with kinks: 256 steps leave a few hundredths of the logit's change, and 4 more than that.
    expect(errors[1]).toBeLessThan(0.05 * Math.abs(difference));
    expect(errors[1]).toBeLessThan(errors[0]!);
  }, 300_000);
});

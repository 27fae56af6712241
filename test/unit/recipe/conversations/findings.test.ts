import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/core/index.ts';
import type { Sample, SamplePart } from '../../../../src/data/index.ts';
import { encodeSample } from '../../../../src/recipe/conversations/encode.ts';
import { packSamples, sizeOf } from '../../../../src/recipe/conversations/pack.ts';
import { splitTokens } from '../../../../src/recipe/conversations/split-tokens.ts';
import { config, joined, reader, sample, tokenizer } from './tiny.ts';

/** A sample whose first question is answered so. */
function answering(part: SamplePart): Sample {
  const plain = sample(1, [
    ['how many cats are there?', ''],
    ['what is this?', '三只猫'],
  ]);
  const [first, second] = plain.conversations;
  return { ...plain, conversations: [[first![0]!, { role: 'assistant', content: [part] }], second!] };
}
const text = '1. cats: three. 2. 猫: 2. so: a red apple';
const finds = ['three', '2', 'a red apple'];
const findings = [
  [9, 14],
  [22, 23],
  [29, 40],
] as const;

describe('findings', () => {
  it('are found among the tokens of an answer, the same number for those of one finding', async () => {
    expect(findings.map(([from, to]) => text.slice(from, to))).toEqual(finds);
    const { conversations } = await encodeSample(answering({ type: 'text', text, findings }), reader);
    const [{ tokens, findings: numbers, learned }, other] = [conversations[0]!, conversations[1]!];
    expect(numbers).toHaveLength(tokens.length);
    for (const [i, found] of finds.entries()) {
      const said = tokenizer.decode(tokens.filter((_, at) => numbers![at] === i + 1));
      expect(said.trim()).toBe(found);
    }
    for (const [at, number] of numbers!.entries()) if (number > 0) expect(learned[at]).toBe(1);
    expect(other.findings).toBeUndefined();
  });

  it('stay what they are in smaller tokens', async () => {
    const { conversations } = await encodeSample(answering({ type: 'text', text, findings }), reader);
    const random = new Random(2);
    for (let i = 0; i < 20; i++) {
      const { tokens, findings: numbers } = splitTokens(conversations[0]!, joined, random);
      const said = tokenizer.decode(tokens.filter((_, at) => numbers![at] === 3));
      expect(said.trim()).toBe('a red apple');
    }
  });

  it.each([0, 0.7, 1])('count as answers of their own at an evenness of %d', async (evenness) => {
    const encoded = await encodeSample(answering({ type: 'text', text, findings }), reader);
    const size = sizeOf(encoded, config.imageToken);
    const shape = { rows: 1, length: 128, learned: 64, evenness, imageToken: config.imageToken, padToken: 0 };
    const placed = [{ sample: 0, row: 0, start: 0, conversations: [0, 1] }];
    const { weights, labels } = packSamples([encoded], [size], placed, shape);
    const [first, second] = encoded.conversations;
    const counts = (number: number): number => first!.findings!.filter((each) => each === number).length;
    const wanted = [...first!.findings!]
      .filter((_, at) => first!.learned[at] === 1)
      .map((number) => (number === 0 ? size.learned[0]! : counts(number) + 1) ** -evenness);
    wanted.push(
      ...second!.tokens.filter((_, at) => second!.learned[at] === 1).map(() => size.learned[1]! ** -evenness),
    );
    const count = (labels.data as BigInt64Array).filter((label) => label >= 0n).length;
    expect(count).toBe(wanted.length);
    expect([...weights.data].slice(0, count)).toEqual(wanted.map(Math.fround));
  });
});

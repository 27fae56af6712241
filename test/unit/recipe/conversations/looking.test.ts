import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../../../src/core/index.ts';
import type { Sample, SampleRegion } from '../../../../src/data/index.ts';
import { ConversationDataset } from '../../../../src/recipe/conversations/dataset.ts';
import { encodeSample } from '../../../../src/recipe/conversations/encode.ts';
import { LookFinder } from '../../../../src/recipe/conversations/looking.ts';
import { config, reader, sample, tokenizer } from './tiny.ts';

const region = (names: readonly string[], box: SampleRegion['box']): SampleRegion => ({
  picture: 0,
  box,
  concept: 1,
  names,
});
const REGIONS = [
  region(['dog', '狗'], [0, 0, 0.5, 0.5]),
  region(['hot dog', '热狗'], [0.5, 0, 1, 0.5]),
  region(['cat', '猫'], [0, 0.5, 0.5, 1]),
  region(['cat', '猫'], [0.5, 0.5, 1, 1]),
];
const asked = (question: string, answer: string): Sample => ({
  ...sample(1, [[question, answer]]),
  regions: REGIONS,
});
const write = (box: readonly [number, number, number, number]): string | undefined =>
  reader.processor?.grounding?.write?.(box, { width: 16, height: 16 });

/** What is said, token by token, with the regions that are looked at meanwhile; pieces of one sort joined. */
async function looked(question: string, answer: string): Promise<[text: string, regions: string][]> {
  return saidOf(asked(question, answer));
}

async function saidOf(one: Sample): Promise<[text: string, regions: string][]> {
  const { conversations } = await encodeSample(one, reader);
  const { tokens, learned } = conversations[0]!;
  const looks = new LookFinder(one, tokenizer, write).looks({ tokens, learned }).said;
  const said: { tokens: number[]; regions: string }[] = [];
  for (const [i, token] of tokens.entries()) {
    const regions = (looks[i] ?? []).join(',');
    if (learned[i] === 0) {
      expect(looks[i]).toBeUndefined();
      continue;
    }
    const last = said.at(-1);
    if (last?.regions === regions) last.tokens.push(token);
    else said.push({ tokens: [token], regions });
  }
  return said.map((piece) => [tokenizer.decode(piece.tokens, { specialTokens: true }), piece.regions]);
}

describe('where a decoder is to look', () => {
  it('at what the question names, while it answers', async () => {
    expect(await looked('where is the dog?', 'there')).toEqual([[' there<|end|>', '0']]);
    expect(await looked('热狗在哪里？', '左')).toEqual([['左<|end|>', '1']]);
    expect(await looked('how many cats are there?', 'two')).toEqual([[' two<|end|>', '2,3']]);
  });

  it('at what it names itself, and the longest name counts', async () => {
    expect(await looked('what is this?', 'a hot dog')).toEqual([
      [' a ', ''],
      ['hot dog', '1'],
      ['<|end|>', ''],
    ]);
    expect(await looked('is it bigger than the dog?', '猫')).toEqual([
      ['猫', '2,3'],
      ['<|end|>', '0'],
    ]);
  });

  it('at one letter after another where it spells', async () => {
    const letters = ['C', 'A', 'B'].map((letter, i) => ({
      ...region([letter], [i / 4, 0, (i + 1) / 4, 1]),
      names: [],
    }));
    const word = { ...region(['CAB'], [0, 0, 0.75, 1]), letters: [1, 2, 3] };
    const one = { ...sample(1, [['what is written here?', 'CAB']]), regions: [word, ...letters] };
    expect(await saidOf(one)).toEqual([
      [' ', ''],
      ['C', '1'],
      ['A', '2'],
      ['B', '3'],
      ['<|end|>', ''],
    ]);
  });

  it('at all of a sort that the question names, and from where the answer names it on', async () => {
    const groups = [
      { names: ['animals', 'animal', '动物'], regions: [0, 2, 3] },
      { names: ['foods', 'food', '食物'], regions: [1] },
      { names: ['plants', 'plant', '植物'], regions: [] },
    ];
    const said = async (question: string, answer: string): Promise<[text: string, regions: string][]> =>
      saidOf({ ...asked(question, answer), groups });
    expect(await said('how many animals?', '3')).toEqual([['3<|end|>', '0,2,3']]);
    expect(await said('图中有几个动物？', '3')).toEqual([['3<|end|>', '0,2,3']]);
    expect(await said('how many plants?', '0')).toEqual([['0<|end|>', '']]);
    expect(await said('more animals than foods?', 'animals: 3. plants: 0. foods are hot dog')).toEqual([
      [' animals', '0,2,3,1'],
      [': 3', '0,2,3'],
      ['. plants', '0,2,3,1'],
      [': 0', ''],
      ['. foods', '0,2,3,1'],
      [' are hot dog', '1'],
      ['<|end|>', '0,2,3,1'],
    ]);
  });

  it('at what lies in the place to which a step points, to the end of the sentence', async () => {
    const places = [
      ['top left', '左上'],
      ['top right', '右上'],
      ['bottom left', '左下'],
    ];
    const regions = REGIONS.slice(0, 3).map((each, i) => ({ ...each, places: places[i]! }));
    const groups = [{ names: ['animals', 'animal', '动物'], regions: [0, 2] }];
    const steps = async (question: string, answer: string): Promise<[text: string, regions: string][]> =>
      saidOf({ ...sample(1, [[question, answer]]), regions, groups });
    const answer = 'beside the hot dog: top left. top left: animal. Answer: animal';
    expect(await steps('what is beside the hot dog?', answer)).toEqual([
      [' beside the hot dog:', '1'],
      [' top left', '0'],
      ['.', '1'],
      [' top left: animal', '0'],
      ['. Answer: animal', '1'],
      ['<|end|>', '0,2'],
    ]);
    expect(await steps('动物哪个最大？', '动物：左上、左下。最大的：左下。答案：左下')).toEqual([
      ['动物：', '0,2'],
      ['左上、', '0'],
      ['左下', '2'],
      ['。最大的：', '0,2'],
      ['左下', '2'],
      ['。答案：', '0,2'],
      ['左下<|end|>', '2'],
    ]);
  });

  it('at boxes, asked about or given', async () => {
    const box = write(REGIONS[2]!.box)!;
    expect(await looked(`what is in ${box}?`, 'this')).toEqual([[' this<|end|>', '2']]);
    expect(await looked('what is this?', box)).toEqual([
      [box, '2'],
      ['<|end|>', ''],
    ]);
  });

  it('nowhere where nothing is named, or a name is part of another word', async () => {
    expect(await looked('what is this?', 'a category of hotdogs')).toEqual([[' a category of hotdogs<|end|>', '']]);
  });

  it('and names in a question by their last tokens, of which the first two things are told apart', async () => {
    const one = asked('is the dog left of the hot dog, or the dog of a cat?', 'no dog');
    const { conversations } = await encodeSample(one, reader);
    const { tokens, learned } = conversations[0]!;
    const { mentions, asked: things } = new LookFinder(one, tokenizer, write).looks({ tokens, learned });
    expect(mentions.map(({ regions }) => regions)).toEqual([[0], [1], [0], [2, 3]]);
    const upTo = (at: number): string => tokenizer.decode(tokens.slice(0, at + 1), { specialTokens: false });
    expect(mentions.map(({ at }) => upTo(at).replace(/^.*is/s, 'is'))).toEqual([
      'is the dog',
      'is the dog left of the hot dog',
      'is the dog left of the hot dog, or the dog',
      'is the dog left of the hot dog, or the dog of a cat',
    ]);
    expect(things).toEqual(mentions.slice(0, 2).map(({ at }) => at));
  });

  it('and features are told the kind of what they show', async () => {
    const one = {
      ...asked('where is the dog?', 'there'),
      regions: REGIONS.map((region, i) => ({ ...region, attributes: [i === 0 ? 7 : -1, 2] })),
    };
    const shape = { length: 96, learned: 48, evenness: 0, imageToken: config.imageToken, padToken: 0 };
    const told = async (asks: { looking: number } | { kinds: number }): Promise<Record<string, HostTensor>> => {
      const dataset = new ConversationDataset({ length: 1, sample: () => one }, reader, { ...shape, ...asks });
      return (await dataset.batch({ seed: 1, epoch: 0, index: 0 }, 1)).tensors as Record<string, HostTensor>;
    };
    const labelled = ({ data }: HostTensor): number[][] =>
      [...(data as BigInt64Array).entries()].flatMap(([at, label]) => (label === -100n ? [] : [[at, Number(label)]]));
    // The dog, of kind 7, is in the first of four squares; what has no kind is not told.
    const { kinds: ofFeatures } = await told({ kinds: 2 });
    expect(ofFeatures!.shape).toEqual([4]);
    expect(labelled(ofFeatures!)).toEqual([[0, 7]]);
    expect((await told({ looking: 2 }))['kinds']).toBeUndefined();
  });

  it('is written as columns of image tokens', async () => {
    const one = asked('where is the dog?', 'there');
    const shape = { length: 96, learned: 48, evenness: 0, imageToken: config.imageToken, padToken: 0, looking: 2 };
    const dataset = new ConversationDataset({ length: 1, sample: () => one }, reader, shape);
    const { tensors } = await dataset.batch({ seed: 1, epoch: 0, index: 0 }, 1);
    const { looks, asked: names, mentions, mentioned, labels, ids } = tensors as Record<string, HostTensor>;
    expect(looks!.shape).toEqual([48, 96]);
    expect(names!.shape).toEqual([2, 48, 96]);
    expect(mentioned!.shape).toEqual([12, 96]);
    const said = [...(labels!.data as BigInt64Array)].filter((label) => label >= 0n).length;
    const first = [...(ids!.data as BigInt64Array)].indexOf(BigInt(config.imageToken));
    for (let row = 0; row < 48; row++) {
      const columns = [...(looks!.data as Float32Array).subarray(row * 96, row * 96 + 96).entries()].filter(
        ([, value]) => value > 0,
      );
      // The dog is in the first of four squares.
      expect(columns).toEqual(row < said ? [[first, 1]] : []);
    }
    // One name, which looks at the dog; all that is said looks at the name.
    const marks = ({ data }: HostTensor): number[] =>
      [...(data as Float32Array).entries()].filter(([, value]) => value > 0).map(([i]) => i);
    const name = Number(mentions!.data[0]);
    expect(tokenizer.decode([Number(ids!.data[name])], { specialTokens: true })).toMatch(/g$/);
    expect(marks(mentioned!)).toEqual([first]);
    expect(marks(names!)).toEqual(Array.from({ length: said }, (_, row) => row * 96 + name));
  });
});

import { describe, expect, it } from 'vitest';
import { type Picture, picture, type RelativeBox, type SamplePicture } from '../../../../src/data/index.ts';
import { barsOf, type EvaluatedModel, evaluateSuite, Lexicon, type PictureSuite } from '../../../../src/eval/index.ts';
import type { PictureQuestion } from '../../../../src/tasks/index.ts';

const SCENES = 40;
const BOX: RelativeBox = [0.25, 0.25, 0.5, 0.75];
const things = ['apple', 'boat', 'cat', 'drum'];
const scenes = Array.from({ length: SCENES }, (_, i): SamplePicture => ({
  name: `scene-${i}`,
  open: () => picture(8, 4, 3, new Uint8Array(96).fill(i)),
}));
const thing = (i: number): string => things[i % things.length]!;

const suite: PictureSuite = {
  name: 'hand-made',
  questions: scenes.flatMap((shown, i) => [
    // Three of four are yes.
    {
      id: `exists-${i}`,
      picture: shown,
      language: 'en',
      kind: 'existence',
      question: 'Is it?',
      answers: [i % 4 === 0 ? 'no' : 'yes'],
    },
    { id: `what-${i}`, picture: shown, language: 'zh', kind: 'kind', question: '什么?', answers: [thing(i)] },
  ]),
  phrases: scenes.map((shown, i) => ({
    id: `at-${i}`,
    picture: shown,
    language: 'en',
    phrase: 'it',
    boxes: [[0, 0, 0.1, 0.1], BOX],
  })),
  names: scenes.flatMap((shown, i) =>
    ['en', 'zh'].map((language) => ({
      id: `${language}-${i}`,
      picture: shown,
      language,
      question: `name ${language}`,
      name: thing(i),
    })),
  ),
  steps: scenes.map((shown, i) => ({
    id: `steps-${i}`,
    picture: shown,
    language: 'en',
    question: 'How?',
    parts: ['There is one.', thing(i)],
  })),
  captions: scenes.map((shown, i) => ({
    id: `caption-${i}`,
    picture: shown,
    language: 'en',
    question: 'Describe.',
    shown: [thing(i), thing(i + 1)],
  })),
  namedIn: {
    en: (() => {
      const lexicon = new Lexicon(
        'en',
        things.map((key) => ({ key, names: [key] })),
      );
      return (caption: string) => lexicon.find(caption);
    })(),
  },
  pairs: scenes.map((shown, i) => ({ id: `pair-${i}`, picture: shown, language: 'en', text: `text ${i}` })),
};

const truths: Readonly<Record<string, (i: number) => string>> = {
  'Is it?': (i) => (i % 4 === 0 ? 'No.' : 'Yes.'),
  '什么?': thing,
  'where: it': () => '2 1 4 3',
  'name en': thing,
  'name zh': thing,
  'How?': (i) => `There is one.\n${thing(i)}`,
  'Describe.': (i) => `${thing(i)} and ${thing(i + 1)}`,
};

const unit = (at: number): Float32Array => Float32Array.from({ length: SCENES }, (_, i) => Number(i === at));

/** A model that says what it is told to of the picture's number, which it sees in the first pixel. */
function model(
  answer: (question: string, picture: number) => string,
  vector: (i: number) => Float32Array,
): EvaluatedModel {
  return {
    name: 'fake',
    answer: async (questions: readonly PictureQuestion[]) =>
      Promise.all(questions.map(async (asked) => answer(asked.question, (await asked.picture.open()).data[0]!))),
    grounding: {
      question: (phrase) => `where: ${phrase}`,
      read: (text) => {
        const [left, top, right, bottom] = text.split(' ').map(Number);
        const boxes = text === '' ? [] : [{ label: '', left: left!, top: top!, right: right!, bottom: bottom! }];
        return { boxes, refused: 0, cut: false };
      },
    },
    embedding: {
      embedPictures: async (pictures: readonly Picture[]) => pictures.map(({ data }) => vector(data[0]!)),
      embedTexts: async (texts) => texts.map((text) => vector(Number(text.split(' ')[1]))),
    },
  };
}

describe('evaluateSuite', () => {
  it('gives a model that knows the truth 1 everywhere', async () => {
    const result = await evaluateSuite(
      model((question, i) => truths[question]!(i), unit),
      suite,
    );
    const values = Object.fromEntries(Object.entries(result.figures).map(([name, { value }]) => [name, value]));
    expect(values).toEqual({
      vqa: 1,
      'grounding@0.5': 1,
      'naming-en': 1,
      'naming-zh': 1,
      'steps-all-right': 1,
      'caption-object-f1': 1,
      'chair-i': 0,
      'retrieval-r1-40': 1,
      'retrieval-r1-40-image-to-text-en': 1,
      'retrieval-r1-40-text-to-image-en': 1,
    });
    expect(result.answers).toHaveLength(7 * SCENES);
    expect(result.answers.every(({ score }) => score === 1)).toBe(true);
    expect(result.skipped).toEqual([]);
  });

  it('gives a model that always says the same what chance gives', async () => {
    const constant = model(
      (question) => truths[question]!(1),
      () => unit(0),
    );
    const { figures, kinds, languages } = await evaluateSuite(constant, suite);
    expect(kinds['existence']!.value).toBe(0.75);
    expect(kinds['kind']!.value).toBe(0.25);
    expect(figures['vqa']!.value).toBe(0.5);
    expect([languages['en']!.value, languages['zh']!.value]).toEqual([0.75, 0.25]);
    expect(figures['naming-en']!.value).toBe(0.25);
    expect(figures['steps-all-right']!.value).toBe(0.25);
    // "boat and cat": both, the first, the second or none of two neighbours in a ring of four.
    expect(figures['caption-object-f1']!.value).toBeCloseTo((1 + 0.5 + 0 + 0.5) / 4, 12);
    expect(figures['chair-i']!.value).toBeCloseTo(0.5, 12);
    expect(figures['retrieval-r1-40']!.value).toBeCloseTo(1 / SCENES, 12);
  });

  it('shows grey in the place of pictures where it is asked to', async () => {
    const seen = new Set<number>();
    const looking = model((_, i) => {
      seen.add(i);
      return '';
    }, unit);
    const { figures } = await evaluateSuite(looking, suite, { blind: true, parts: ['questions', 'phrases'] });
    expect([...seen]).toEqual([128]);
    expect([figures['vqa']!.value, figures['grounding@0.5']!.value]).toEqual([0, 0]);
  });

  it('leaves out what a model cannot do and what is not wanted', async () => {
    const knowing = model((question, i) => truths[question]!(i), unit);
    const speaking: EvaluatedModel = { name: 'speaks only', answer: (questions) => knowing.answer!(questions) };
    const result = await evaluateSuite(speaking, suite);
    expect(result.skipped).toEqual(['phrases', 'pairs']);
    expect(Object.keys(result.figures)).not.toContain('grounding@0.5');
    const part = await evaluateSuite(speaking, suite, { parts: ['names'] });
    expect(Object.keys(part.figures)).toEqual(['naming-en', 'naming-zh']);
    await expect(evaluateSuite(speaking, { name: 'empty' })).rejects.toThrow(/asks nothing/);
  });
});

describe('barsOf', () => {
  it('asks for 20 points above the floor, and for half of the rest above a high floor', async () => {
    const right = await evaluateSuite(
      model((question, i) => truths[question]!(i), unit),
      suite,
    );
    const floor = await evaluateSuite(
      model(
        (question) => truths[question]!(1),
        () => unit(0),
      ),
      suite,
    );
    const bars = new Map(barsOf(right, floor).map((bar) => [bar.figure, bar]));
    expect(bars.get('vqa')).toMatchObject({ value: 1, least: 0.78, passed: true });
    expect(bars.get('vqa: existence')).toMatchObject({ least: 0.875, passed: true });
    expect(bars.get('vqa: kind')!.least).toBeCloseTo(0.45, 12);
    expect(bars.get('naming-zh')!.least).toBeCloseTo(0.95, 12);
    expect(
      barsOf(floor, floor)
        .filter(({ passed }) => passed)
        .map(({ figure }) => figure),
    ).toEqual(['grounding@0.5', 'naming-zh']);
  });
});

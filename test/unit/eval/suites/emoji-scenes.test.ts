import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../src/core/index.ts';
import { type EmojiMaterial, VQA_KINDS, writeSteps } from '../../../../src/data/index.ts';
import { buildSprites } from '../../../../src/data/emoji/sprites.ts';
import { loadConcepts } from '../../../../src/data/node/index.ts';
import { emojiScenesSuite, type EvaluatedModel, evaluateSuite, type PictureSuite } from '../../../../src/eval/index.ts';

const SIDE = 64;

/** Every concept as a disc in a colour of its own. */
async function discs(): Promise<EmojiMaterial> {
  const concepts = await loadConcepts();
  const random = new Random(3);
  const pixels = new Uint8Array(concepts.length * SIDE * SIDE * 4);
  for (let n = 0, at = 0; n < concepts.length; n++) {
    const colour = [random.integer(256), random.integer(256), random.integer(256)];
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++, at += 4) {
        if ((x - SIDE / 2) ** 2 + (y - SIDE / 2) ** 2 > (SIDE / 2) ** 2) continue;
        pixels.set(colour, at);
        pixels[at + 3] = 255;
      }
    }
  }
  return { concepts, sprites: [buildSprites('openmoji', SIDE, concepts.length, pixels)] };
}

const OPTIONS = { sets: ['openmoji'], count: 200, names: 30 } as const;
let material: EmojiMaterial;
let suite: PictureSuite;
beforeAll(async () => {
  material = await discs();
  suite = emojiScenesSuite(material, OPTIONS);
});

/** What is right, by picture and question. */
function truthOf({
  questions,
  names,
  steps,
  captions,
  pairs,
}: PictureSuite): (picture: string, question: string) => string {
  const answers = new Map<string, string>();
  for (const { picture, question, answers: right } of questions!) answers.set(picture.name + question, right[0]!);
  for (const { picture, question, name } of names!) answers.set(picture.name + question, name);
  for (const { picture, question, parts, language } of steps!) {
    const all = parts.map((text) => ({ text, finds: '' }));
    answers.set(picture.name + question, writeSteps(all.slice(0, -1), parts.at(-1)!, language === 'zh' ? 'zh' : 'en'));
  }
  for (const { picture, question, language } of captions!) {
    const own = pairs!.find((pair) => pair.picture === picture && pair.language === language)!;
    answers.set(picture.name + question, own.text);
  }
  return (picture, question) => answers.get(picture + question) ?? '';
}

describe('the suite of emoji scenes', () => {
  it('asks about every kind in both languages, five questions a scene', () => {
    expect(suite.questions).toHaveLength(200);
    for (const kind of VQA_KINDS)
      for (const language of ['en', 'zh'])
        expect(suite.questions!.filter((row) => row.kind === kind && row.language === language).length).toBeGreaterThan(
          4,
        );
    const scenes = new Set(suite.questions!.map(({ picture }) => picture));
    expect(scenes.size).toBe(40);
    expect(suite.pairs).toHaveLength(2 * scenes.size);
    expect(suite.names).toHaveLength(2 * OPTIONS.names);
    for (const part of ['phrases', 'steps', 'captions'] as const) expect(suite[part]!.length).toBeGreaterThan(15);
    const ids = [...suite.questions!, ...suite.phrases!, ...suite.names!, ...suite.steps!].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows 2 to 6 drawings of 15 to 40 % of the side', () => {
    for (const { shown } of suite.captions!) {
      expect(shown.length).toBeGreaterThanOrEqual(2);
      expect(shown.length).toBeLessThanOrEqual(6);
    }
    for (const { boxes } of suite.phrases!) {
      const [left, top, right, bottom] = boxes[0]!;
      // A pixel of 112 on either side.
      expect(Math.max(right - left, bottom - top)).toBeGreaterThan(0.15 - 2 / 112);
      expect(Math.max(right - left, bottom - top)).toBeLessThan(0.4 + 2 / 112);
    }
  });

  it('is the same for the same seed, and another for another', async () => {
    const bytes = async ({ questions }: PictureSuite): Promise<Uint8Array> =>
      (await questions![0]!.picture.open()).data;
    const again = emojiScenesSuite(material, OPTIONS);
    const texts = ({ questions, steps }: PictureSuite): string[] =>
      [...questions!, ...steps!].map((row) => row.question);
    expect(texts(again)).toEqual(texts(suite));
    expect(await bytes(again)).toEqual(await bytes(suite));
    const other = emojiScenesSuite(material, { ...OPTIONS, seed: 1 });
    expect(texts(other)).not.toEqual(texts(suite));
    expect(await bytes(other)).not.toEqual(await bytes(suite));
  });

  it('finds everything right that is right', async () => {
    const truth = truthOf(suite);
    const model: EvaluatedModel = {
      name: 'knows',
      answer: async (questions) => questions.map(({ picture, question }) => truth(picture.name, question)),
      grounding: {
        question: (phrase) => phrase,
        read: () => ({ boxes: [], refused: 0, cut: false }),
      },
    };
    const { figures } = await evaluateSuite(model, suite);
    for (const name of ['vqa', 'naming-en', 'naming-zh', 'steps-all-right', 'caption-object-f1'])
      expect([name, figures[name]!.value]).toEqual([name, 1]);
    expect([figures['chair-i']!.value, figures['grounding@0.5']!.value]).toEqual([0, 0]);
  });

  it('finds a step wrong that is wrong', async () => {
    const truth = truthOf(suite);
    const { figures } = await evaluateSuite(
      {
        name: 'concludes without thinking',
        answer: async (questions) =>
          questions.map(({ picture, question }) => truth(picture.name, question).replace(/^.*(?=Answer:|答案：)/, '')),
      },
      suite,
      { parts: ['steps'] },
    );
    expect(figures['steps-all-right']!.value).toBe(0);
  });

  it('names what captions name, but not what they say is written', () => {
    const named = (language: string, text: string): string[] =>
      suite.namedIn![language]!(text).map(
        (hexcode) => material.concepts.find((concept) => concept.hexcode === hexcode)!.wording.en.name,
      );
    expect(named('en', 'The picture shows a hot dog, two cats in orange and the word "bear".')).toEqual([
      'hot dog',
      'cat',
    ]);
    expect(named('en', 'A man with a beard on the left; musical notes.')).toEqual(['man: beard', 'musical notes']);
    expect(named('zh', '图中有热狗和猫，还写着“bear”。')).toEqual(['hot dog', 'cat']);
  });

  it('refuses numbers of questions that make no sense', () => {
    expect(() => emojiScenesSuite(material, { ...OPTIONS, count: 0 })).toThrow(/0 questions about scenes/);
  });
});

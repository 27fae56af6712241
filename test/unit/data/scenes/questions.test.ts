import { beforeAll, describe, expect, it } from 'vitest';
import {
  askAbout,
  askOne,
  colourName,
  kindName,
  LANGUAGES,
  nameOf,
  QUESTION_KINDS,
  readSteps,
  sampleRandom,
  SCENE_COLOURS,
  SCENE_KINDS,
  VQA_KINDS,
  writeSteps,
  type Language,
  type QuestionKind,
  type Scene,
  type SceneObject,
  type SceneQuestion,
} from '../../../../src/data/index.ts';
import { makerOf, squares, TEST_OPTIONS } from './material.ts';

interface Asked {
  readonly scene: Scene;
  readonly question: SceneQuestion;
}
const asked = new Map<QuestionKind, Asked[]>(QUESTION_KINDS.map((kind) => [kind, []]));

beforeAll(async () => {
  const material = await squares();
  const maker = makerOf({ ...TEST_OPTIONS, words: 0.3, singles: 0.1 }, material);
  for (let i = 0; i < 800; i++) {
    const random = sampleRandom(11, 0, i);
    const scene = maker.make(random);
    for (const kind of QUESTION_KINDS) {
      const question = askOne(kind, scene, LANGUAGES[i % 2]!, random, maker.vocabulary);
      if (question !== undefined) asked.get(kind)!.push({ scene, question });
    }
  }
});

const of = (kind: QuestionKind, form?: string): Asked[] =>
  asked.get(kind)!.filter(({ question }) => form === undefined || question.form === form);
const textOf = ({ question }: SceneQuestion): string =>
  question.map((part) => (part.type === 'text' ? part.text : '')).join('');
const yes = ({ text }: SceneQuestion): boolean => text === 'yes' || text === '是';
const named = ({ objects }: Scene, name: string, language: Language): SceneObject =>
  objects.find(({ concept }) => nameOf(concept, language) === name)!;
/** The objects whose names a question holds, in the order in which it says them; longer names hide shorter ones. */
function mentioned({ scene, question }: Asked): SceneObject[] {
  let text = textOf(question).toLowerCase();
  const found: { object: SceneObject; at: number }[] = [];
  for (const object of scene.objects.toSorted((a, b) => said(b).length - said(a).length)) {
    const at = text.indexOf(said(object));
    if (at < 0) continue;
    found.push({ object, at });
    text = text.replace(said(object), (name) => '#'.repeat(name.length));
  }
  return found.sort((a, b) => a.at - b.at).map(({ object }) => object);

  function said({ concept }: SceneObject): string {
    return nameOf(concept, question.language).toLowerCase();
  }
}

describe('questions', () => {
  it('come of every kind and in both languages', () => {
    for (const kind of QUESTION_KINDS) {
      for (const language of LANGUAGES)
        expect(of(kind).filter(({ question }) => question.language === language).length, kind).toBeGreaterThan(10);
    }
  });

  it('say yes and no equally often, in every form', () => {
    const forms = new Map<string, boolean[]>();
    for (const { question } of VQA_KINDS.flatMap((kind) => of(kind))) {
      if (question.options?.length !== 2 || !['yes', '是'].includes(question.options[0]!)) continue;
      const form = question.kind === 'existence' ? 'existence' : `${question.kind} ${question.form}`;
      forms.set(form, [...(forms.get(form) ?? []), yes(question)]);
    }
    expect(forms.size).toBeGreaterThanOrEqual(5);
    for (const [form, answers] of forms) {
      const share = answers.filter(Boolean).length / answers.length;
      // Four standard deviations of a fair coin.
      expect(Math.abs(share - 0.5), form).toBeLessThan(2 / Math.sqrt(answers.length));
    }
  });

  it('have answers among the options, and text where no box is the answer', () => {
    for (const { question } of QUESTION_KINDS.flatMap((kind) => of(kind))) {
      if (question.options !== undefined) expect(question.options).toContain(question.conclusion ?? question.text);
      if (question.kind !== 'grounding') expect(question.text).not.toBe('');
    }
  });

  it('count what is there', () => {
    for (const { scene, question } of of('count', 'all')) expect(question.text).toBe(String(scene.objects.length));
    for (const { scene, question } of of('count', 'kind')) {
      const kind = scene.focus!;
      expect(textOf(question)).toContain(kindName(kind, question.language, true));
      expect(question.text).toBe(String(scene.objects.filter((object) => object.kind === kind).length));
    }
    const counts = of('count', 'kind').map(({ question }) => question.text);
    for (const count of ['1', '2', '3', '4', '5', '6']) {
      const share = counts.filter((each) => each === count).length / counts.length;
      expect(Math.abs(share - 1 / 6), count).toBeLessThan(0.12);
    }
  });

  it('find what exists', () => {
    for (const { scene, question } of of('existence')) {
      const names = scene.objects.map(({ concept }) => nameOf(concept, question.language));
      // A plural or an article may change a name in English; Chinese names stand as they are.
      if (question.language === 'zh' && yes(question))
        expect(names.some((name) => textOf(question).includes(name))).toBe(true);
    }
  });

  it('compare sizes as boxes do', () => {
    for (const form of ['bigger', 'smaller', 'check']) {
      for (const each of of('comparison', form)) {
        const { scene, question } = each;
        const [first, second, ...more] = mentioned(each);
        if (first === undefined || second === undefined || more.length > 0) continue;
        const isFirstBigger = first.area > second.area;
        if (form === 'check') expect(yes(question)).toBe(isFirstBigger);
        else
          expect(named(scene, question.text, question.language)).toBe(
            isFirstBigger === (form === 'bigger') ? first : second,
          );
      }
    }
  });

  it('tell positions as boxes do', () => {
    const distance = (a: SceneObject, b: SceneObject, text: string): number =>
      /left of|左边/.test(text) ? b.x - a.x
      : /right of|右边/.test(text) ? a.x - b.x
      : /above|上面/.test(text) ? b.y - a.y : a.y - b.y; // prettier-ignore
    let checked = 0;
    for (const each of of('position', 'check')) {
      const [first, second, ...more] = mentioned(each);
      if (first === undefined || second === undefined || more.length > 0) continue;
      expect(distance(first, second, textOf(each.question)) > 0).toBe(yes(each.question));
      checked++;
    }
    expect(checked).toBeGreaterThan(15);
    for (const { scene, question } of of('position', 'where')) {
      const region = question.options!.indexOf(question.text);
      const fits = scene.objects.filter(
        ({ x, y }) =>
          Math.min(2, Math.floor(x * 3)) === region % 3 && Math.min(2, Math.floor(y * 3)) === Math.floor(region / 3),
      );
      expect(fits.length).toBeGreaterThan(0);
    }
  });

  it('ask for colours that one drawing has, most colours alike', () => {
    for (const { scene, question } of of('colour', 'open'))
      expect(scene.objects.map(({ colour }) => colour && colourName(colour, question.language))).toContain(
        question.text,
      );
    for (const { scene, question } of of('colour', 'which')) {
      const { colour } = named(scene, question.text, question.language);
      expect(textOf(question)).toContain(colourName(colour!, question.language));
      expect(scene.objects.filter((object) => object.colour === colour)).toHaveLength(1);
    }
    expect(SCENE_COLOURS.length).toBe(11);
  });

  it('point at one drawing alone', () => {
    for (const { scene, question } of of('grounding')) {
      expect(scene.objects.filter(({ box }) => box === question.box)).toHaveLength(1);
      expect(question.answer).toEqual([{ type: 'box', box: question.box }]);
      expect(textOf(question)).toContain(question.phrase);
    }
    for (const each of of('grounding', 'name').slice(0, 300)) {
      const object = each.scene.objects.find(({ box }) => box === each.question.box)!;
      if (each.question.language === 'zh') expect(textOf(each.question)).toContain(nameOf(object.concept, 'zh'));
    }
  });

  it('name what is in a box, and what is alone', () => {
    for (const { scene, question } of of('region'))
      expect(named(scene, question.text, question.language).box).toEqual(question.box);
    for (const { scene, question } of of('naming')) {
      expect(scene.objects).toHaveLength(1);
      expect(question.text).toBe(nameOf(scene.objects[0]!.concept, question.language));
    }
  });

  it('describe everything, and the word', () => {
    for (const { scene, question } of of('caption')) {
      expect(question.names).toHaveLength(scene.objects.length);
      if (scene.word !== undefined) expect(question.text).toContain(scene.word.text);
      if (question.language === 'zh') for (const name of question.names!) expect(question.text).toContain(name);
    }
  });

  it('read the word as it is written', () => {
    for (const { scene, question } of of('reading')) expect(question.text).toBe(scene.word!.text);
  });

  it('count more than one thing in most steps, where much is asked about a scene', async () => {
    const counting = (questions: readonly SceneQuestion[]): boolean[] =>
      questions
        .filter(({ form }) => form === 'sum' || form === 'more')
        .map(({ steps }) => steps!.slice(0, 2).every(({ finds }) => Number(finds) < 2));
    const partOf = (few: readonly boolean[]): number => few.filter(Boolean).length / few.length;
    const maker = makerOf(TEST_OPTIONS, await squares());
    const much = Array.from({ length: 200 }, (_, i) => {
      const random = sampleRandom(12, 0, i);
      return askAbout(maker.make(random), 3, { steps: 1 }, LANGUAGES, random, maker.vocabulary);
    });
    expect(partOf(counting(of('steps').map(({ question }) => question)))).toBeGreaterThan(0.4);
    expect(partOf(counting(much.flat()))).toBeLessThan(0.25);
    expect(counting(much.flat())).toContain(true);
  });

  it('show steps that can be taken apart and lead to the conclusion', () => {
    for (const { question } of of('steps')) {
      const { language, steps, conclusion } = question;
      expect(question.text).toBe(writeSteps(steps!, conclusion!, language));
      expect(readSteps(question.text)).toEqual({ steps: steps!.map(({ text }) => text), conclusion });
      for (const { text, finds } of steps!) expect(text).toContain(finds);
      const [said] = question.answer;
      if (said?.type !== 'text') throw new Error('steps are said');
      expect(said.text).toBe(question.text);
      const found = said.findings!.map(([from, to]) => said.text.slice(from, to));
      const [compared, whole] = question.form === 'more' ? [steps!.length - 1, steps!.at(-1)!.text] : [];
      expect(found).toEqual([...steps!.map(({ finds }, i) => (i === compared ? whole : finds)), conclusion]);
      if (question.form !== 'more') expect(steps!.at(-1)!.finds).toBe(conclusion);
    }
    expect(readSteps('the cat')).toBeUndefined();
    expect(readSteps('beside Mrs. Claus: top left. top left: 1.5. Answer: b')).toEqual({
      steps: ['beside Mrs. Claus: top left', 'top left: 1.5'],
      conclusion: 'b',
    });
  });

  it('may have numbers, which leave none out', () => {
    const read = { steps: ['a: 1', 'b'], conclusion: 'c' };
    expect(readSteps('Step 1: a: 1. Step 2: b. Answer: c')).toEqual(read);
    expect(readSteps('第1步：a: 1。第2步：b。答案：c')).toEqual(read);
    expect(readSteps('Step 2: a. Answer: b')).toBeUndefined();
    expect(readSteps('a. Step 1: b. Answer: c')).toBeUndefined();
    expect(readSteps('Step 1: a. b. Step 2: c. Answer: d')).toEqual({ steps: ['a. b', 'c'], conclusion: 'd' });
  });

  it('give JSON that holds what is there', () => {
    for (const { scene, question } of [...of('instruction', 'kind'), ...of('instruction', 'all')]) {
      const names = JSON.parse(question.text) as string[];
      const objects = names.map((name) => named(scene, name, question.language));
      expect(objects.every((object, i) => i === 0 || objects[i - 1]!.x < object.x)).toBe(true);
      if (question.form === 'all') expect(names).toHaveLength(scene.objects.length);
    }
    for (const { scene, question } of of('instruction', 'counts')) {
      const counts = JSON.parse(question.text) as Record<string, number>;
      for (const [name, count] of Object.entries(counts)) {
        const kind = SCENE_KINDS.find((each) => kindName(each, question.language) === name)!;
        expect(scene.objects.filter((object) => object.kind === kind)).toHaveLength(count);
      }
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(scene.objects.length);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { makeSortOfClevrTokenizer } from '../../../src/data/node/sort-of-clevr.ts';
import {
  SORT_OF_CLEVR_NORMALIZATION,
  SORT_OF_CLEVR_PICTURES,
  SortOfClevrDataset,
  type SortOfClevrOptions,
  sortOfClevrPicture,
} from '../../../src/data/sort-of-clevr-dataset.ts';
import {
  answerOf,
  type ClevrObject,
  isRelational,
  questionText,
  SORT_OF_CLEVR_ANSWERS,
  SORT_OF_CLEVR_COLOURS,
  sortOfClevrQuestionTexts,
  sortOfClevrScene,
  turnedObjects,
} from '../../../src/data/sort-of-clevr.ts';
import { fromTensor, type Picture } from '../../../src/data/image.ts';

const SEEDS = Array.from({ length: 80 }, (_, i) => i);
const tokenizer = makeSortOfClevrTokenizer(200);
const dataset = (options: Partial<SortOfClevrOptions> = {}): SortOfClevrDataset =>
  new SortOfClevrDataset({ split: 'train', tokenizer: tokenizer.json, textLength: 13, ...options });

/** Objects as they are seen: of each colour in the picture the box around its pixels, and whether the box's corner is filled. */
function seen({ width, data }: Picture): Map<string, { shape: string; x: number; y: number; pixels: number }> {
  const boxes = new Map<string, { left: number; right: number; top: number; bottom: number; pixels: number }>();
  const colourAt = (x: number, y: number): string => data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3).join();
  for (let i = 0; i < data.length / 3; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const colour = colourAt(x, y);
    if (colour === '255,255,255') continue;
    const box = boxes.get(colour) ?? { left: x, right: x, top: y, bottom: y, pixels: 0 };
    box.pixels++;
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.bottom = y;
    boxes.set(colour, box);
  }
  return new Map(
    [...boxes].map(([colour, { left, right, top, bottom, pixels }]) => [
      colour,
      {
        shape: colourAt(left, top) === colour ? 'square' : 'circle',
        x: (left + right) / 2,
        y: (top + bottom) / 2,
        pixels,
      },
    ]),
  );
}

const RGB: Readonly<Record<string, string>> = {
  red: '255,0,0',
  green: '0,255,0',
  blue: '0,0,255',
  orange: '255,156,0',
  gray: '128,128,128',
  yellow: '255,255,0',
};

/** Answers an English question by what is seen in a picture. */
function look(objects: ReturnType<typeof seen>, text: string): string {
  const colour = Object.keys(RGB).find((name) => text.includes(` ${name} `))!;
  const asked = objects.get(RGB[colour]!)!;
  const others = [...objects.values()]
    .filter((object) => object !== asked)
    .sort((a, b) => Math.hypot(a.x - asked.x, a.y - asked.y) - Math.hypot(b.x - asked.x, b.y - asked.y));
  if (text.includes('left')) return asked.x + 0.5 <= 37.5 ? 'yes' : 'no';
  if (text.includes('top')) return asked.y + 0.5 <= 37.5 ? 'yes' : 'no';
  if (text.includes('nearest')) return others[0]!.shape;
  if (text.includes('furthest')) return others.at(-1)!.shape;
  if (text.includes('many')) return String(1 + others.filter(({ shape }) => shape === asked.shape).length);
  return asked.shape;
}

describe('scenes', () => {
  it('show six whole objects of six colours, none upon another', () => {
    for (const seed of SEEDS) {
      const { objects } = sortOfClevrScene(seed);
      const found = seen(sortOfClevrPicture(objects));
      expect([...found.keys()].sort()).toEqual(Object.values(RGB).sort());
      for (const { colour, shape, x, y } of objects) {
        // A hidden or cut object would have fewer pixels, and its box another middle.
        const pixels = shape === 'square' ? 121 : 97;
        expect(found.get(RGB[SORT_OF_CLEVR_COLOURS[colour]!]!)).toEqual({ shape, x, y, pixels });
      }
    }
  });

  it('come with ten different questions of either sort, whose answers can be seen', () => {
    for (const seed of SEEDS) {
      const { objects, questions } = sortOfClevrScene(seed);
      const found = seen(sortOfClevrPicture(objects));
      expect(questions.map(isRelational)).toEqual(Array.from({ length: 20 }, (_, i) => i >= 10));
      expect(new Set(questions.map(questionText)).size).toBe(20);
      const looked = questions.map((question) => look(found, questionText(question)));
      expect(looked).toEqual(questions.map((question) => answerOf(objects, question)));
    }
  });

  it('have one answer to every question, also where distances are equal', () => {
    for (const seed of SEEDS) {
      const { objects } = sortOfClevrScene(seed);
      for (const from of objects) {
        const others = objects.filter((object) => object !== from);
        const distances = others.map(({ x, y }) => (x - from.x) ** 2 + (y - from.y) ** 2);
        for (const extreme of [Math.min(...distances), Math.max(...distances)])
          expect(new Set(others.filter((_, i) => distances[i] === extreme).map(({ shape }) => shape)).size).toBe(1);
      }
    }
  });

  it('show fewer objects where told, of colours by chance, and ask about those alone', () => {
    const colours = new Set<string>();
    for (const seed of SEEDS)
      for (const count of [1, 2, 3]) {
        const { objects, questions } = sortOfClevrScene(seed, count);
        const found = seen(sortOfClevrPicture(objects));
        expect(found.size).toBe(count);
        for (const colour of found.keys()) colours.add(colour);
        // What one object is, where it lies and how many are like it; of two or three all six questions each, ten of a sort.
        expect(questions).toHaveLength([4, 12, 18][count - 1]!);
        const looked = questions.map((question) => look(found, questionText(question)));
        expect(looked).toEqual(questions.map((question) => answerOf(objects, question)));
      }
    expect(colours.size).toBe(6);
  });

  it('are the same for the same seed, and others for others', () => {
    expect(sortOfClevrScene(7)).toEqual(sortOfClevrScene(7));
    expect(new Set(SEEDS.map((seed) => JSON.stringify(sortOfClevrScene(seed)))).size).toBe(SEEDS.length);
  });

  it('have balanced shapes, sides and counts', () => {
    const counts = new Map<string, number>();
    const scenes = Array.from({ length: 2000 }, (_, i) => sortOfClevrScene(10_000 + i));
    for (const { objects, questions } of scenes)
      for (const question of questions) {
        const key = `${question.kind} ${answerOf(objects, question)}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    const share = (kind: string, answer: string): number => {
      const all = [...counts].filter(([key]) => key.startsWith(`${kind} `)).reduce((sum, [, n]) => sum + n, 0);
      return counts.get(`${kind} ${answer}`)! / all;
    };
    // About 6,700 questions of each kind: four deviations are 0.025; questions about one picture go together somewhat.
    for (const kind of ['shape', 'nearest', 'furthest']) expect(share(kind, 'square')).toBeCloseTo(0.5, 1);
    // 33 of 65 columns are left, 33 of 65 rows up.
    for (const kind of ['left', 'up']) expect(Math.abs(share(kind, 'yes') - 33 / 65)).toBeLessThan(0.03);
    // The others that share a shape are binomial: n of 5 by a coin.
    for (const [i, expected] of [1, 5, 10, 10, 5, 1].entries())
      expect(Math.abs(share('count', String(i + 1)) - expected / 32)).toBeLessThan(0.03);
  });

  it('can be turned and mirrored in eight ways, with answers that are still seen', () => {
    const { objects, questions } = sortOfClevrScene(3);
    const ways = Array.from({ length: 8 }, (_, way) => turnedObjects(objects, way));
    expect(ways[0]).toEqual(objects);
    expect(new Set(ways.map((way) => JSON.stringify(way))).size).toBe(8);
    const answers = (shown: readonly ClevrObject[]): string[] => questions.map((question) => answerOf(shown, question));
    for (const shown of ways) {
      const found = seen(sortOfClevrPicture(shown));
      expect(questions.map((question) => look(found, questionText(question)))).toEqual(answers(shown));
    }
  });
});

describe('SortOfClevrDataset', () => {
  const position = { seed: 1, epoch: 0, index: 0 };

  it('makes batches of pictures with twenty questions each', () => {
    const { tensors, ids, kinds } = dataset().batch(position, 3);
    expect(tensors['pixels']!.shape).toEqual([3, 3, 75, 75]);
    expect(tensors['ids']!.shape).toEqual([60, 13]);
    expect(tensors['mask']!.shape).toEqual([60, 13]);
    expect(tensors['label']!.shape).toEqual([60]);
    expect([ids.length, kinds.length]).toEqual([60, 60]);
  });

  it.each([
    { augment: false },
    { augment: true },
    { augment: true, curriculum: [{ objects: 3 }] },
    { augment: true, curriculum: [{ kinds: ['shape', 'nearest', 'up', 'count'] as const }] },
  ])('shows what it asks about: %o', (options) => {
    const { tensors, ids } = dataset(options).batch(position, 8);
    const each = ids.length / 8;
    const found = Array.from({ length: 8 }, (_, row) =>
      seen(fromTensor(tensors['pixels'] as never, row, SORT_OF_CLEVR_NORMALIZATION)),
    );
    const texts = ids.map((id) => JSON.parse(id.slice(id.indexOf(' ') + 1)) as string);
    const labels = Array.from(tensors['label']!.data as BigInt64Array, Number);
    expect(labels.map((label) => SORT_OF_CLEVR_ANSWERS[label])).toEqual(
      texts.map((text, i) => look(found[Math.floor(i / each)]!, text)),
    );
  });

  it('gives equal batches for equal positions and another order in each pass', () => {
    expect(dataset({ augment: true }).batch(position, 4)).toEqual(dataset({ augment: true }).batch(position, 4));
    const names = (epoch: number): string =>
      dataset()
        .batch({ ...position, epoch }, 4)
        .ids.join();
    expect(names(1)).not.toBe(names(0));
  });

  it('has splits of the published sizes that share no picture', () => {
    const splits = (['train', 'validation', 'test'] as const).map((split) => dataset({ split, heldOut: 100 }));
    expect(splits.map(({ length }) => length)).toEqual([9700, 100, 200]);
    expect(SORT_OF_CLEVR_PICTURES).toEqual({ train: 9800, test: 200 });
    const scenes = splits.flatMap((split) =>
      Array.from({ length: split.length }, (_, i) => JSON.stringify(split.scene(i).objects)),
    );
    expect(new Set(scenes).size).toBe(10_000);
  });

  it('shows and asks less in the passes of a curriculum, and in training pictures alone', () => {
    const curriculum = [{ objects: 2, kinds: ['shape'] }, { kinds: ['shape', 'left', 'up', 'count'] }] as const;
    const few = dataset({ curriculum, augment: true });
    const questions = (ids: readonly string[]): Set<string> => new Set(ids.map((id) => id.replace(/^\S+ /, '')));
    const first = few.batch(position, 8);
    expect(first.kinds).toEqual(Array<string>(16).fill('shape'));
    expect(first.tensors['ids']!.shape).toEqual([16, 13]);
    expect(questions(first.ids).size).toBe(6);
    const second = few.batch({ ...position, epoch: 1 }, 1);
    expect(questions(second.ids).size).toBe(20);
    expect(new Set(second.kinds).size).toBe(4);
    expect(few.batch({ ...position, epoch: 2 }, 3)).toEqual(
      dataset({ augment: true }).batch({ ...position, epoch: 2 }, 3),
    );
    expect(dataset({ split: 'test', curriculum }).batch(position, 3)).toEqual(
      dataset({ split: 'test' }).batch(position, 3),
    );
  });

  it('keeps test pictures as they are and in order', () => {
    const test = dataset({ split: 'test', augment: true });
    const { tensors, ids } = test.batch({ seed: 9, epoch: 4, index: 5 }, 1);
    const shown = fromTensor(tensors['pixels'] as never, 0, SORT_OF_CLEVR_NORMALIZATION);
    expect(shown).toEqual(sortOfClevrPicture(test.scene(5).objects));
    expect(ids[0]).toMatch(/^test\/5 "/);
  });

  it('refuses to hold out everything, and an empty validation split', () => {
    expect(() => dataset({ heldOut: 9800 })).toThrow('cannot be held out');
    expect(() => dataset({ split: 'validation' })).toThrow('is empty');
  });

  it('has a tokenizer that knows every word of every question', () => {
    for (const text of sortOfClevrQuestionTexts()) {
      const ids = tokenizer.encode(text);
      expect(ids.length).toBeLessThanOrEqual(13);
      expect(tokenizer.tokens(ids)).toEqual(['[CLS]', ...text.toLowerCase().replace('?', ' ?').split(' '), '[SEP]']);
    }
  });
});

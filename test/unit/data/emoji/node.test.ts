import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Concept, DrawingSet, Studio } from '../../../../src/data/emoji/concepts.ts';
import { EmojiDataset, emojiTexts, type EmojiMaterial, type EmojiOptions } from '../../../../src/data/emoji/dataset.ts';
import { ICON_NAMES } from '../../../../src/data/emoji/icon-sets.ts';
import { loadConcepts, loadIconSet } from '../../../../src/data/emoji/node/packages.ts';
import { renderSet } from '../../../../src/data/emoji/node/render.ts';
import { fitToSquare, paintedBounds } from '../../../../src/data/emoji/node/trim.ts';
import { buildSprites, isDrawn } from '../../../../src/data/emoji/sprites.ts';
import { trainTokenizer } from '../../../../src/data/tokenizer-trainer.ts';

const SIZE = 16;
let folder: string;
let all: Concept[];
/** A few of them. */
let concepts: Concept[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-emoji-'));
  // The first of some groups, renumbered.
  all = await loadConcepts();
  concepts = all.filter((_, i) => i % 150 < 4).map((concept, index) => ({ ...concept, index }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('trimming', () => {
  it('finds what is painted and fits it to the square', () => {
    const rgba = new Uint8Array(8 * 8 * 4);
    for (const y of [2, 3]) for (const x of [1, 2, 3, 4]) rgba.set([10, 20, 30, 255], (y * 8 + x) * 4);
    const bounds = paintedBounds(rgba, 8);
    expect(bounds).toEqual({ left: 1, top: 2, width: 4, height: 2 });
    const fitted = fitToSquare(rgba, 8, bounds, 4);
    const alpha = Array.from({ length: 16 }, (_, i) => fitted[i * 4 + 3]);
    expect(alpha).toEqual([0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]);
    expect([...fitted.subarray(16, 20)]).toEqual([10, 20, 30, 255]);
    expect(paintedBounds(new Uint8Array(16), 2)).toEqual({ left: 0, top: 0, width: 2, height: 2 });
  });
});

describe('renderSet', () => {
  it('renders, keeps, and renders anew what is damaged', async () => {
    let reports = 0;
    const options = {
      set: 'twemoji' as Studio,
      concepts,
      size: SIZE,
      cacheFolder: join(folder, 'cache'),
      report: () => reports++,
    };
    const first = await renderSet(options);
    expect(first).toHaveLength(concepts.length * SIZE * SIZE * 4);
    expect(reports).toBe(concepts.length);
    for (const concept of concepts) {
      const alpha = first
        .subarray(concept.index * SIZE * SIZE * 4, (concept.index + 1) * SIZE * SIZE * 4)
        .filter((_, i) => i % 4 === 3);
      expect(alpha.filter((value) => value > 128).length, concept.wording.en.name).toBeGreaterThan(10);
    }
    const again = await renderSet(options);
    expect(reports).toBe(concepts.length);
    expect(Buffer.compare(again, first)).toBe(0);

    const names = await readdir(options.cacheFolder);
    expect(names).toHaveLength(1);
    const path = join(options.cacheFolder, names[0]!);
    const bytes = await readFile(path);
    for (const damaged of [
      Buffer.alloc(0),
      bytes.subarray(0, -5),
      Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)]),
      Buffer.from('{}\n'),
    ]) {
      await writeFile(path, damaged);
      expect(Buffer.compare(await renderSet(options), first)).toBe(0);
      expect((await stat(path)).size).toBe(bytes.length);
    }
    expect(reports).toBe(5 * concepts.length);
  });

  it('leaves empty what a further set of a studio lacks', async () => {
    const [first, second] = concepts;
    const lacking = [first!, { ...second!, icons: { ...second!.icons, noto: 'no-such-icon' } }];
    const sprites = buildSprites(
      'noto-v1',
      SIZE,
      2,
      await renderSet({ set: 'noto-v1', concepts: lacking, size: SIZE }),
    );
    expect([isDrawn(sprites, 0), isDrawn(sprites, 1)]).toEqual([true, false]);
  });

  it('names a drawing that is not there', async () => {
    const broken = [{ ...concepts[0]!, icons: { ...concepts[0]!.icons, noto: 'no-such-icon' } }];
    await expect(renderSet({ set: 'noto', concepts: broken, size: SIZE })).rejects.toThrow('no-such-icon');
  });
});

describe('EmojiDataset', () => {
  let material: EmojiMaterial;
  let options: EmojiOptions;
  beforeAll(async () => {
    const tokenizer = trainTokenizer(emojiTexts(concepts), { vocabSize: 500 });
    options = { split: 'train', sets: ['noto', 'twemoji'], size: SIZE, tokenizer: tokenizer.json, textLength: 12 };
    const sprites = [];
    for (const set of options.sets)
      sprites.push(buildSprites(set, SIZE, concepts.length, await renderSet({ set, concepts, size: SIZE })));
    material = { concepts, sprites };
  });
  const make = (extra: Partial<EmojiOptions> = {}): EmojiDataset =>
    new EmojiDataset({ ...options, ...extra }, material);

  it('shows every drawing once in a pass, in another order and manner in the next', () => {
    const dataset = make();
    expect(dataset.length).toBe(2 * concepts.length);
    const pass = (epoch: number) => dataset.batch({ seed: 1, epoch, index: 0 }, dataset.length);
    const pictures = (epoch: number): string[] => pass(epoch).ids.map((id) => id.split(' ')[0]!);
    expect(new Set(pictures(0)).size).toBe(dataset.length);
    expect(pictures(1)).not.toEqual(pictures(0));
    expect(pictures(1).toSorted()).toEqual(pictures(0).toSorted());
  });

  it('passes over what a set lacks, in training and in validation', async () => {
    const pixels = await renderSet({ set: 'noto', concepts, size: SIZE });
    const kept = concepts.length - 3;
    pixels.fill(0, kept * SIZE * SIZE * 4);
    const sprites = [...material.sprites, buildSprites('noto-v1', SIZE, concepts.length, pixels)];
    const sets = [...options.sets, 'noto-v1'] as const;
    const picturesOf = (split: EmojiOptions['split']): string[] => {
      const dataset = new EmojiDataset({ ...options, sets, split }, { concepts, sprites });
      const { ids } = dataset.batch({ seed: 1, epoch: 0, index: 0 }, dataset.length);
      return ids.map((id) => id.split(' ')[0]!);
    };
    const trained = picturesOf('train');
    expect(trained).toHaveLength(2 * concepts.length + kept);
    expect(new Set(trained).size).toBe(trained.length);
    const missing = concepts.slice(kept).map(({ hexcode }) => `noto-v1/${hexcode}`);
    for (const split of ['train', 'validation'] as const) {
      const pictures = picturesOf(split);
      expect(pictures.some((id) => id.startsWith('noto-v1/'))).toBe(true);
      for (const id of missing) expect(pictures).not.toContain(id);
    }
  });

  it('gives equal samples however they are cut into batches', () => {
    const whole = make().batch({ seed: 3, epoch: 2, index: 4 }, 6);
    const part = make().batch({ seed: 3, epoch: 2, index: 7 }, 2);
    expect(part.ids).toEqual(whole.ids.slice(3, 5));
    expect(part.statements).toEqual(whole.statements.slice(3, 5));
    const pixels = 3 * SIZE * SIZE;
    expect(part.tensors.pixels!.data).toEqual(whole.tensors.pixels!.data.slice(3 * pixels, 5 * pixels));
    expect(part.tensors.ids!.data).toEqual(whole.tensors.ids!.data.slice(36, 60));
    expect(make().batch({ seed: 3, epoch: 2, index: 4 }, 6)).toEqual(whole);
  });

  it('has the shapes it promises', () => {
    const { tensors, statements } = make({ statements: 3, descriptionLength: 9 }).batch(
      { seed: 0, epoch: 0, index: 0 },
      4,
    );
    const shapes = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name, [tensor.dtype, ...tensor.shape]]),
    );
    expect(shapes).toEqual({
      pixels: ['float32', 4, 3, SIZE, SIZE],
      ids: ['int64', 12, 12],
      mask: ['float32', 12, 12],
      label: ['int64', 12],
      concept: ['int64', 4],
      description_ids: ['int64', 4, 9],
      description_mask: ['float32', 4, 9],
    });
    expect([...(tensors.label!.data as BigInt64Array)]).toEqual(
      statements.map((statement) => BigInt(Number(statement.label))),
    );
  });

  it.each(['validation', 'test'] as const)('has a balanced, fixed %s list', (split) => {
    const dataset = make({ split });
    expect(dataset.length).toBe(8 * concepts.length);
    const all = dataset.batch({ seed: 1, epoch: 0, index: 0 }, dataset.length);
    const count = (wanted: object): number =>
      all.statements.filter((statement) =>
        Object.entries(wanted).every(([key, value]) => statement[key as never] === value),
      ).length;
    for (const language of ['en', 'zh']) {
      expect(count({ language, hardness: 'true' })).toBe(2 * concepts.length);
      expect(count({ language, hardness: 'random' })).toBe(concepts.length);
      expect(count({ language, hardness: 'hard' })).toBe(concepts.length);
    }
    expect(make({ split }).batch({ seed: 9, epoch: 5, index: 0 }, dataset.length)).toEqual(all);
    const pictures = make({ split, statements: 8 });
    expect(pictures.length).toBe(concepts.length);
    const grouped = pictures.batch({ seed: 1, epoch: 0, index: 0 }, pictures.length);
    expect(grouped.statements).toEqual(all.statements);
    expect(grouped.tensors.pixels!.data.slice(0, 99)).toEqual(all.tensors.pixels!.data.slice(0, 99));
    const sets = new Set(all.ids.map((id) => id.split('/')[0]));
    expect([...sets]).toEqual(split === 'test' ? ['noto'] : ['noto', 'twemoji']);
  });

  it('refuses options that do not fit', () => {
    expect(() => make({ sets: [] })).toThrow('no set');
    expect(() => make({ statements: 0 })).toThrow('impossible');
    expect(() => make({ split: 'test', statements: 3 })).toThrow('do not divide');
  });
});

describe('partial sets', () => {
  const drawn = async (set: DrawingSet): Promise<Set<string>> => {
    const icons = await loadIconSet(set);
    return new Set(all.filter((concept) => icons.nameOf(concept) !== undefined).map(({ wording }) => wording.en.name));
  };

  it.each([
    ['emojione', 1000],
    ['fxemoji', 430],
    ['streamline-emojis', 470],
    ['emojione-monotone', 1000],
    ['game-icons', 310],
    ['mdi', 280],
    ['icon-park', 200],
    ['fa7-solid', 190],
    ['ph', 180],
    ['hugeicons', 190],
    ['whh', 160],
    ['mingcute', 165],
    ['lucide', 165],
    ['tabler', 165],
    ['pinhead', 160],
  ] as const)('%s has a good part of the concepts', async (set, least) => {
    expect((await drawn(set)).size).toBeGreaterThan(least);
  });

  it('find drawings whatever signs their names are written with, the first of several, and none of another thing', async () => {
    const streamline = await loadIconSet('streamline-emojis');
    const named = (name: string): Concept => all.find(({ wording }) => wording.en.name === name)!;
    expect(streamline.nameOf(named('pizza'))).toBe('pizza-1');
    expect(streamline.nameOf(named('t-shirt'))).toBe('t-shirt');
    expect(streamline.nameOf(named('turkey'))).toBeUndefined();
    expect((await loadIconSet('fxemoji')).nameOf(named('alien monster'))).toBe('alienmonster');
    expect((await loadIconSet('fxemoji')).nameOf(named('otter'))).toBeUndefined();
  });

  it('find icons by what icon sets call a thing, and none of another thing', async () => {
    const [lucide, mingcute] = [await loadIconSet('lucide'), await loadIconSet('mingcute')];
    const find = (set: typeof lucide, name: string): string | undefined =>
      set.nameOf(all.find(({ wording }) => wording.en.name === name)!);
    expect([find(lucide, 'automobile'), find(lucide, 'red apple'), find(lucide, 'cat')]).toEqual([
      'car',
      'apple',
      'cat',
    ]);
    // Where all names have an ending.
    expect(find(mingcute, 'cat')).toBe('cat-fill');
    // A trophy's ribbon, a bat, a handheld fan.
    expect(find(await loadIconSet('mdi'), 'seal')).toBeUndefined();
    expect(find(await loadIconSet('ph'), 'cricket')).toBeUndefined();
  });

  it('name what icons are called for concepts that there are', () => {
    const names = new Set(all.map(({ wording }) => wording.en.name));
    expect(Object.keys(ICON_NAMES).filter((name) => !names.has(name))).toEqual([]);
  });

  it('leave out what a set fills its icons with', async () => {
    const iconPark = await loadIconSet('icon-park');
    const car = iconPark.nameOf(all.find(({ wording }) => wording.en.name === 'automobile')!)!;
    expect(iconPark.svg(car, 32)).toContain('stroke="#000"');
    expect(iconPark.svg(car, 32)).not.toContain('#2F88FF');
  });
});

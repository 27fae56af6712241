import { beforeAll, describe, expect, it } from 'vitest';
import { DataError, Random } from '../../../../src/core/index.ts';
import {
  fullSceneOptions,
  MOST_REGIONS,
  namedPictures,
  sampleRandom,
  SCENE_KINDS,
  sceneClasses,
  SceneSource,
  sceneTexts,
  SceneVocabulary,
  type EmojiMaterial,
  type Picture,
  type Scene,
  type SceneQuestion,
  type SceneOptions,
} from '../../../../src/data/index.ts';
import { CENTERED, colourMatrix } from '../../../../src/data/emoji/draw.ts';
import { ScenePainter, type DrawingStyle } from '../../../../src/data/scenes/painter.ts';
import { buildSprites } from '../../../../src/data/emoji/sprites.ts';
import { makerOf, PAINT_NAMES, PAINTS, squares, TEST_OPTIONS } from './material.ts';

const AS_IS = colourMatrix(0, 1, 1, 0, [1, 1, 1]);
const PLAIN: DrawingStyle = { ink: 0, isThick: false, levels: 0 };
let material: EmojiMaterial;
beforeAll(async () => {
  material = await squares();
});

function scenes(count: number, options = TEST_OPTIONS): Scene[] {
  const maker = makerOf(options, material);
  return Array.from({ length: count }, (_, i) => maker.make(sampleRandom(5, 0, i)));
}

describe('ScenePainter', () => {
  it('draws edges once, twice or not at all, and colours in few values', () => {
    const size = 48;
    const painter = new ScenePainter(size);
    const sprites = material.sprites[0]!;
    const paint = (style: Partial<DrawingStyle>): number[] => {
      const { picture } = painter.paint({
        background: 'white',
        backgroundRandom: new Random(0),
        drawings: [
          {
            sprites,
            // Green on white.
            index: 2,
            placement: { ...CENTERED, scale: 0.5 },
            matrix: AS_IS,
            style: { ...PLAIN, ...style },
          },
        ],
        word: undefined,
        noise: 0,
        noiseSeed: 0,
      });
      return [...picture.data];
    };
    const dark = (data: number[]): number => data.filter((value, i) => i % 3 === 1 && value < 100).length;
    const [plain, inked, thick] = [{}, { ink: 1 }, { ink: 1, isThick: true }].map((style) => dark(paint(style)));
    expect([plain, paint({ isThick: true })]).toEqual([0, paint({})]);
    expect(inked).toBeGreaterThan(40);
    expect(thick).toBeGreaterThan(1.6 * inked!);
    const middle = (24 * size + 24) * 3;
    expect(paint({}).slice(middle, middle + 3)).toEqual([...PAINTS[2]]);
    expect(paint({ levels: 4 }).slice(middle, middle + 3)).toEqual([0, 170, 85]);
  });
});

describe('SceneMaker with icons', () => {
  /** Noto's squares beside an icon set that has every fifth concept, in black. */
  const withIcons = async (): Promise<EmojiMaterial> => {
    const { concepts, sprites } = material;
    const pixels = new Uint8Array(concepts.length * 16 * 16 * 4);
    for (const { index } of concepts)
      if (index % 5 === 0) for (let i = index * 256; i < (index + 1) * 256; i++) pixels.set([0, 0, 0, 255], i * 4);
    return { concepts, sprites: [...sprites, buildSprites('lucide', 16, concepts.length, pixels)] };
  };
  const OPTIONS: SceneOptions = { ...TEST_OPTIONS, sets: ['noto', 'lucide'], crowds: 1 };

  it('draws from a set of icons as often as it has many', async () => {
    const maker = makerOf(OPTIONS, await withIcons());
    const made = Array.from({ length: 300 }, (_, i) => maker.make(sampleRandom(5, 0, i)));
    const ofIcons = made.filter(({ objects }) => objects.every(({ colour }) => colour === undefined)).length;
    // 326 icons of 1,000 that would weigh as much as Noto.
    const share = 0.326 / 1.326;
    expect(Math.abs(ofIcons / made.length - share)).toBeLessThan(3 * Math.sqrt((share * (1 - share)) / made.length));
  });

  it('gives icons the colours of what they show where drawings vary, and calls ink alone no colour', async () => {
    const icons = await withIcons();
    const only = { concepts: icons.concepts, sprites: icons.sprites.slice(1) };
    const coloursOf = (options: SceneOptions, of: EmojiMaterial): Set<string | undefined> => {
      const maker = makerOf(options, of);
      const made = Array.from({ length: 40 }, (_, i) => maker.make(sampleRandom(5, 0, i)));
      return new Set(made.flatMap(({ objects }) => objects.map(({ colour }) => colour)));
    };
    expect(coloursOf({ ...OPTIONS, sets: ['lucide'] }, only)).toEqual(new Set([undefined]));
    expect(coloursOf({ ...OPTIONS, sets: ['lucide'], vary: true, restyle: true }, only).size).toBeGreaterThan(4);
  });
});

describe('SceneMaker', () => {
  it('finds boxes that the pixels confirm', () => {
    for (const { picture, objects } of scenes(60)) {
      for (const { concept, box } of objects) {
        const paint = PAINTS[concept.index % PAINTS.length]!;
        const [left, top, right, bottom] = box.map((side) => Math.round(side * picture.width)) as [
          number,
          number,
          number,
          number,
        ];
        const isPainted = (x: number, y: number): boolean =>
          paint.every((value, c) => Math.abs(picture.data[(y * picture.width + x) * 3 + c]! - value) <= 1);
        // Two pixels inside of each corner have the drawing's colour; edges are blended.
        const corners = [left + 2, right - 3].flatMap((x) => [top + 2, bottom - 3].map((y) => [x, y] as const));
        // Another drawing may cover a corner, and no more than one.
        expect(corners.filter(([x, y]) => isPainted(x, y)).length).toBeGreaterThanOrEqual(3);
      }
    }
  });

  it('calls colours what the pixels show', () => {
    for (const { objects } of scenes(60))
      for (const { concept, colour } of objects) expect(colour).toBe(PAINT_NAMES[concept.index % PAINT_NAMES.length]);
  });

  it('keeps to the sizes that are asked for and leaves room between drawings', () => {
    for (const { objects } of scenes(100)) {
      expect(objects.length).toBeGreaterThanOrEqual(2);
      expect(objects.length).toBeLessThanOrEqual(6);
      for (const { box } of objects) {
        const longer = Math.max(box[2] - box[0], box[3] - box[1]);
        expect(longer).toBeGreaterThan(0.15 - 2 / 64);
        expect(longer).toBeLessThan(0.4 + 2 / 64);
      }
      for (const [i, a] of objects.entries()) {
        for (const b of objects.slice(i + 1)) {
          const width = Math.max(0, Math.min(a.box[2], b.box[2]) - Math.max(a.box[0], b.box[0]));
          const height = Math.max(0, Math.min(a.box[3], b.box[3]) - Math.max(a.box[1], b.box[1]));
          const common = width * height;
          expect(common / (a.area + b.area - common)).toBeLessThan(0.08);
        }
      }
    }
  });

  it('shows every number of drawings and of a kind alike', () => {
    const all = scenes(1500);
    const share = (fits: (scene: Scene) => boolean, of: readonly Scene[]): number => of.filter(fits).length / of.length;
    for (let count = 2; count <= 6; count++)
      expect(Math.abs(share(({ objects }) => objects.length === count, all) - 0.2)).toBeLessThan(0.04);
    const focused = all.filter(({ focus }) => focus !== undefined);
    expect(focused.length / all.length).toBeGreaterThan(0.3);
    for (let count = 1; count <= 6; count++) {
      const fits = ({ focus, objects }: Scene): boolean =>
        objects.filter(({ kind }) => kind === focus).length === count;
      expect(Math.abs(share(fits, focused) - 1 / 6)).toBeLessThan(0.06);
    }
  });

  it('never shows two drawings that could be called by one name', () => {
    const vocabulary = new SceneVocabulary(material.concepts);
    for (const { objects } of scenes(200)) {
      for (const a of objects)
        for (const b of objects) expect(a === b || vocabulary.isSurelyNot(a.concept, b.concept)).toBe(true);
    }
  });

  it('shows nine drawings of different concepts in cells of their own', () => {
    const crowds = scenes(40, { ...TEST_OPTIONS, crowds: 1, words: 1 });
    for (const { crowd, single, word, focus, objects } of crowds) {
      expect([crowd, single, word, focus]).toEqual([true, false, undefined, undefined]);
      expect(new Set(objects.map(({ concept }) => concept)).size).toBe(9);
      const cells = objects.map(({ x, y }) => Math.floor(x * 3) + 3 * Math.floor(y * 3));
      expect(cells.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      for (const { box } of objects) {
        expect(Math.max(box[2] - box[0], box[3] - box[1])).toBeGreaterThan(0.2 - 2 / 64);
        // A cell, and the blended edge of a drawing.
        expect(Math.max(box[2] - box[0], box[3] - box[1])).toBeLessThan(1 / 3 + 2 / 64);
      }
    }
    // Also of those that belong to no kind.
    const shown = crowds.flatMap(({ objects }) => objects);
    expect(shown.filter(({ kind }) => kind === undefined).length).toBeGreaterThan(shown.length / 4);
    expect(shown.filter(({ kind }) => kind !== undefined).length).toBeGreaterThan(shown.length / 4);
  });

  it('keeps the boxes of a crowd within the picture, however drawings are turned', () => {
    for (const { objects } of scenes(40, { ...TEST_OPTIONS, crowds: 1, vary: true })) {
      expect(objects).toHaveLength(9);
      for (const { box } of objects) {
        expect(Math.min(...box)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...box)).toBeLessThanOrEqual(1);
        expect(box[2] > box[0] && box[3] > box[1]).toBe(true);
      }
    }
  });

  it('makes crowds of four and of nine where rows may differ', () => {
    const sizes = scenes(40, { ...TEST_OPTIONS, crowds: 1, crowdRows: [2, 3] }).map(({ objects }) => objects.length);
    expect(new Set(sizes)).toEqual(new Set([4, 9]));
    for (const { objects } of scenes(20, { ...TEST_OPTIONS, crowds: 1, crowdRows: [2, 2] }))
      for (const { box } of objects) expect(Math.max(box[2] - box[0], box[3] - box[1])).toBeGreaterThan(0.3 - 2 / 64);
  });
  it('shows as many crowds as are asked for among what is not single', () => {
    const mixture = scenes(400, { ...TEST_OPTIONS, singles: 0.25, crowds: 0.4 });
    const several = mixture.filter(({ single }) => !single);
    const share = several.filter(({ crowd }) => crowd).length / several.length;
    expect(Math.abs(share - 0.4)).toBeLessThan(0.08);
    expect(mixture.every(({ single, crowd }) => !(single && crowd))).toBe(true);
  });

  it('draws no number for crowds, nor for restyling, where there is none', () => {
    // What scenes held, and which number came next, before there were crowds.
    const known = [
      { seen: ['1F3F3-FE0F-200D-1F308', '1F625', '1F3F3', '1F3F4-200D-2620-FE0F'], word: 'COIN', next: 2984419344 },
      { seen: ['1F91F', '1F453', '1F45F'], word: 'PRINT', next: 2220760752 },
      { seen: ['1F317'], word: undefined, next: 325144267 },
    ];
    const maker = makerOf({ ...TEST_OPTIONS, singles: 0.25, words: 0.5, vary: true, crowds: 0 }, material);
    for (const [i, { seen, word, next }] of known.entries()) {
      const random = sampleRandom(5, 0, i);
      const scene = maker.make(random);
      expect(scene.objects.map(({ concept }) => concept.hexcode)).toEqual(seen);
      expect([scene.crowd, scene.word?.text, random.uint32()]).toEqual([false, word, next]);
    }
  });

  it('shows a concept by itself', () => {
    const concept = material.concepts[100]!;
    const { objects, single, word } = makerOf(TEST_OPTIONS, material).make(sampleRandom(1, 0, 0), concept);
    expect(objects.map((object) => object.concept)).toEqual([concept]);
    expect([single, word]).toEqual([true, undefined]);
  });
});

describe('namedPictures', () => {
  const options = { ...TEST_OPTIONS, sets: ['noto', 'twemoji', 'openmoji'] } as const;

  it('shows the drawings of all sets that have a concept in turn', async () => {
    // Blue, purple and brown by three studios; the second has not drawn it.
    const concept = material.concepts.findIndex(({ index }) => index % PAINTS.length === 3);
    const sets = [material, await squares('twemoji', 1, concept), await squares('openmoji', 2)];
    const all = { concepts: material.concepts, sprites: sets.flatMap(({ sprites }) => sprites) };
    const { hexcode } = material.concepts[concept]!;
    const named = namedPictures(all, options, { concepts: [hexcode], each: 4, seed: 1 });
    const middle = ({ data, width, height }: Picture): number[] => {
      const at = (Math.floor(height / 2) * width + Math.floor(width / 2)) * 3;
      return [...data.subarray(at, at + 3)];
    };
    expect(named.map(({ picture }) => middle(picture))).toEqual([PAINTS[3], PAINTS[5], PAINTS[3], PAINTS[5]]);
    expect(new Set(named[0]!.questions.map(({ language }) => language))).toEqual(new Set(['en', 'zh']));
  });

  it('refuses a concept that no set has', () => {
    const nobody = { concepts: ['0041'], each: 1, seed: 1 };
    expect(() => namedPictures(material, TEST_OPTIONS, nobody)).toThrow('no studio has drawn 0041');
  });
});

describe('SceneSource', () => {
  const options = { sets: ['noto'], size: 64, length: 50 } as const;
  const moment = { seed: 3, epoch: 2 };

  it('gives equal samples for equal arguments, in any order', async () => {
    const [a, b] = [new SceneSource(options, material), new SceneSource(options, material)];
    b.sample(7, moment);
    for (const index of [4, 0, 49]) {
      const [left, right] = [a.sample(index, moment), b.sample(index, moment)];
      expect(JSON.stringify(left)).toBe(JSON.stringify(right));
      expect((await left.pictures[0]!.open()).data).toEqual((await right.pictures[0]!.open()).data);
    }
    expect(JSON.stringify(a.sample(4, moment))).not.toBe(JSON.stringify(a.sample(4, { seed: 3, epoch: 3 })));
    expect(JSON.stringify(a.sample(4, moment))).not.toBe(JSON.stringify(a.sample(4, { seed: 4, epoch: 2 })));
  });

  it('gives as many conversations as are asked for, each with the picture first and an answer last', () => {
    const source = new SceneSource({ ...options, questions: 8 }, material);
    for (let i = 0; i < 50; i++) {
      const { conversations } = source.sample(i, moment);
      expect(conversations).toHaveLength(8);
      for (const turns of conversations) {
        expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant']);
        expect(turns[0]!.content[0]).toEqual({ type: 'image', picture: 0 });
        expect(turns[1]!.content.length).toBeGreaterThan(0);
      }
    }
  });

  it('asks about a crowd what is there and where, by the weights of these kinds', () => {
    const kindsOf = (kinds?: SceneOptions['kinds']): (readonly string[])[] => {
      const crowds = { ...options, singles: 0, crowds: 1, ...(kinds === undefined ? {} : { kinds }) };
      const source = new SceneSource(crowds, material);
      return Array.from({ length: 20 }, (_, i) => source.scene(i, moment).questions.map(({ kind }) => kind));
    };
    expect(new Set(kindsOf().flat())).toEqual(new Set(['existence', 'grounding', 'region', 'caption']));
    for (const asked of kindsOf()) expect(asked).toHaveLength(10);
    expect(new Set(kindsOf({ count: 5, region: 1 }).flat())).toEqual(new Set(['region']));
    expect(kindsOf({ count: 1, reading: 1 }).flat()).toEqual([]);
  });
  it('names what a crowd shows row by row', () => {
    const crowds = { ...options, singles: 0, crowds: 1, kinds: { caption: 1 }, questions: 1 };
    const source = new SceneSource(crowds, material);
    for (let i = 0; i < 10; i++) {
      const { scene, questions } = source.scene(i, moment);
      const [{ text, names, language }] = questions as [SceneQuestion];
      expect(text.split(language === 'zh' ? '；' : '; ')).toHaveLength(3);
      const cell = (name: string): number => {
        const { x, y } = scene.objects.find(({ concept }) => concept.wording[language].name === name)!;
        return 3 * Math.floor(y * 3) + Math.floor(x * 3);
      };
      expect(names!.map(cell)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
  });

  it('gives a sample of a crowd a region for every drawing', () => {
    const source = new SceneSource({ ...options, singles: 0, crowds: 1 }, material);
    const { regions, captions } = source.sample(0, moment);
    expect(new Set(regions!.map(({ concept }) => concept)).size).toBe(9);
    expect(captions).toHaveLength(1);
  });

  it('refuses drawings that may not be trained on', () => {
    expect(() => new SceneSource({ ...options, sets: ['openmoji'] }, material)).toThrow(/openmoji are for tests alone/);
    expect(() => new SceneSource({ ...options, sets: ['noto', 'openmoji'] }, material)).toThrow(DataError);
  });

  it('refuses options that make no sense', () => {
    const wrong = [
      { sets: [] },
      { size: 20 },
      { objects: [0, 3] as const },
      { objects: [3, 7] as const },
      { side: [0.4, 0.2] as const },
      { singles: 2 },
      { crowds: -0.1 },
      { crowds: 1.5 },
      { crowds: Number.NaN },
      { crowdRows: [1, 3] as const },
      { crowdRows: [3, 2] as const },
      { questions: 0 },
      { languages: [] },
      { kinds: { count: 0 } },
      { kinds: { nothing: 1 } as never },
    ];
    for (const each of wrong) expect(() => fullSceneOptions({ ...options, ...each })).toThrow(DataError);
    expect(() => new SceneSource({ ...options, length: 0 }, material)).toThrow(DataError);
  });
});

describe('SceneVocabulary', () => {
  it('gives every kind several concepts, and none two kinds', () => {
    const vocabulary = new SceneVocabulary(material.concepts);
    for (const kind of SCENE_KINDS) expect(vocabulary.membersOf(kind).length).toBeGreaterThan(3);
    const members = SCENE_KINDS.flatMap((kind) => vocabulary.membersOf(kind));
    expect(members.length).toBeGreaterThan(600);
    expect(new Set(members).size).toBe(members.length);
  });

  it('knows every concept that a kind names', () => {
    const names = new Set(material.concepts.map(({ wording }) => wording.en.name));
    for (const { also = [] } of SCENE_KINDS) for (const name of also) expect(names).toContain(name);
  });
});

describe('what is written in a scene', () => {
  it('is known letter by letter, from left to right and within the whole', () => {
    const written = scenes(40, { ...TEST_OPTIONS, words: 1 }).flatMap(({ word }) => (word === undefined ? [] : [word]));
    expect(written.length).toBeGreaterThan(20);
    for (const { text, box, letters } of written) {
      expect(letters).toHaveLength(text.length);
      const middles = letters.map(([left, , right]) => (left + right) / 2);
      expect(middles).toEqual([...middles].sort((a, b) => a - b));
      for (const [left, top, right, bottom] of letters) {
        expect(left).toBeLessThan(right);
        expect(top).toBeLessThan(bottom);
        expect(Math.min(left - box[0], top - box[1], box[2] - right, box[3] - bottom)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('is among the regions of samples: the word by its name, letters as classes behind all drawings', () => {
    const source = new SceneSource({ ...TEST_OPTIONS, sets: ['noto'], words: 1, singles: 0, length: 10 }, material);
    const first = material.concepts.length;
    for (let i = 0; i < 10; i++) {
      const moment = { seed: 1, epoch: 0 };
      const { word } = source.scene(i, moment).scene;
      const { regions = [] } = source.sample(i, moment);
      const letters = regions.filter(({ concept }) => concept !== undefined && concept >= first);
      expect(letters.map(({ qualities }) => qualities!.join()).join('')).toBe(word!.text);
      for (const { concept } of letters) expect(concept).toBeLessThan(sceneClasses(first));
      const written = regions.filter(({ concept }) => concept === undefined);
      expect(written.map(({ names }) => names)).toEqual([[word!.text]]);
      expect(written[0]!.letters!.map((k) => regions[k])).toEqual(letters);
      expect(regions.length).toBeLessThanOrEqual(MOST_REGIONS);
    }
  });
});

describe('the groups of a sample', () => {
  it('are all kinds of things, with the regions of those that are there', () => {
    const source = new SceneSource({ ...TEST_OPTIONS, sets: ['noto'], singles: 0, length: 10 }, material);
    for (let i = 0; i < 10; i++) {
      const moment = { seed: 1, epoch: 0 };
      const { objects } = source.scene(i, moment).scene;
      const { groups = [] } = source.sample(i, moment);
      expect(groups).toHaveLength(SCENE_KINDS.length);
      for (const [k, { names, regions }] of groups.entries()) {
        expect(names).toContain(SCENE_KINDS[k]!.en[1]);
        // 手, 人 and 脸 are parts of many words.
        for (const name of names) expect(name.length).toBeGreaterThan(1);
        expect(regions.every((region) => objects[region]!.kind === SCENE_KINDS[k])).toBe(true);
      }
      const ofKinds = objects.filter(({ kind }) => kind !== undefined).length;
      expect(groups.flatMap(({ regions }) => regions)).toHaveLength(ofKinds);
    }
  });
});

describe('sceneTexts', () => {
  it('holds all names in both languages and whole conversations', () => {
    const texts = new Set(sceneTexts({ sets: ['noto'], size: 64 }, material, 50));
    for (const { wording } of material.concepts) {
      // As answers begin: behind a space, where words are in letters.
      for (const { name } of [wording.en, wording.zh]) expect(texts.has(` ${name}`) || texts.has(name)).toBe(true);
    }
    expect([...texts].some((text) => text.includes('. Answer: '))).toBe(true);
  });

  it('holds no names of concepts that are kept from it', () => {
    const [kept] = material.concepts;
    const texts = new Set(sceneTexts({ sets: ['noto'], size: 64, without: [kept!.hexcode] }, material, 1));
    for (const name of [` ${kept!.wording.en.name}`, kept!.wording.zh.name]) expect(texts.has(name)).toBe(false);
  });
});

/**
 * Sort-of-CLEVR by its published rules (Santoro et al. 2017, "A simple neural network module for relational reasoning",
 * arXiv 1706.01427, supplementary material): pictures of 75 × 75 pixels with six objects of six colours, each a square or a
 * circle, and for each picture ten questions about one object and ten about how objects relate. The paper encodes a question
 * in 11 bits; here it is an English sentence. What the paper leaves open is settled as follows. Objects are 11 pixels wide,
 * lie within the picture and do not overlap. A picture in which two objects are equally near to (or far from) a third and
 * differ in shape is drawn anew, so that every question has one answer. The ten questions of a picture differ. Left is where
 * an object's column, counted from 0, is less than half of the width; up likewise. The count includes the object asked about.
 */
import { Random } from '../core/index.ts';
import type { Colour } from './image.ts';

/** Pixels of a picture's side. */
export const SORT_OF_CLEVR_SIZE = 75;
/** Pixels from an object's middle to its border. */
const RADIUS = 5;

export const SORT_OF_CLEVR_COLOURS = ['red', 'green', 'blue', 'orange', 'gray', 'yellow'] as const;

const RGB: readonly Colour[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 156, 0],
  [128, 128, 128],
  [255, 255, 0],
];

/** A label is a position in this list. */
export const SORT_OF_CLEVR_ANSWERS = ['yes', 'no', 'square', 'circle', '1', '2', '3', '4', '5', '6'] as const;
export type SortOfClevrAnswer = (typeof SORT_OF_CLEVR_ANSWERS)[number];

/** What is asked of an object; the first three are not relational, the others are. */
export const SORT_OF_CLEVR_KINDS = ['shape', 'left', 'up', 'nearest', 'furthest', 'count'] as const;
export type SortOfClevrKind = (typeof SORT_OF_CLEVR_KINDS)[number];
const SINGLE: readonly SortOfClevrKind[] = ['shape', 'left', 'up'];
const RELATIONAL: readonly SortOfClevrKind[] = ['nearest', 'furthest', 'count'];

/** Questions of either sort to a picture. */
const QUESTIONS = 10;

export interface ClevrObject {
  /** Position in {@link SORT_OF_CLEVR_COLOURS}; no two objects of a picture share it. */
  readonly colour: number;
  readonly shape: 'square' | 'circle';
  /** Column and row of its middle, from 0. */
  readonly x: number;
  readonly y: number;
}

export interface ClevrQuestion {
  readonly kind: SortOfClevrKind;
  /** That of the object asked about. */
  readonly colour: number;
}

/** A picture before it is drawn. */
export interface ClevrScene {
  readonly objects: readonly ClevrObject[];
  /** Ten that are not relational, then ten that are; fewer where fewer can be asked. */
  readonly questions: readonly ClevrQuestion[];
}

/**
 * The scene of a seed.
 * @param objects how many; the published pictures have one of each colour, in the order of {@link SORT_OF_CLEVR_COLOURS}
 */
export function sortOfClevrScene(seed: number, objects: number = SORT_OF_CLEVR_COLOURS.length): ClevrScene {
  const random = new Random(seed).fork('sort-of-clevr');
  const all = [...SORT_OF_CLEVR_COLOURS.keys()];
  const colours = objects < all.length ? random.fork('colours').shuffle(all).slice(0, objects) : all;
  let placed = placeObjects(colours, random);
  while (isAmbiguous(placed)) placed = placeObjects(colours, random);
  const asked = [SINGLE, RELATIONAL].flatMap((kinds) =>
    random.shuffle(questionsAbout(placed, kinds)).slice(0, QUESTIONS),
  );
  return { objects: placed, questions: asked };
}

function placeObjects(colours: readonly number[], random: Random): ClevrObject[] {
  const objects: ClevrObject[] = [];
  while (objects.length < colours.length) {
    const coordinate = (): number => RADIUS + random.integer(SORT_OF_CLEVR_SIZE - 2 * RADIUS);
    const [x, y] = [coordinate(), coordinate()];
    const free = objects.every((other) => Math.max(Math.abs(other.x - x), Math.abs(other.y - y)) > 2 * RADIUS);
    if (free)
      objects.push({ colour: colours[objects.length]!, shape: random.uniform() < 0.5 ? 'square' : 'circle', x, y });
  }
  return objects;
}

/** Whether somewhere the nearest or the furthest object is not one and two of them differ in shape. */
function isAmbiguous(objects: readonly ClevrObject[]): boolean {
  return objects.some((from) =>
    [Math.min, Math.max].some((extreme) => {
      const others = objects.filter((object) => object !== from);
      const wanted = extreme(...others.map((object) => squaredDistance(from, object)));
      return new Set(others.filter((o) => squaredDistance(from, o) === wanted).map(({ shape }) => shape)).size > 1;
    }),
  );
}

/** Whether such a question has an answer where there are so many objects: nothing is near to an object that is alone. */
export function canBeAsked(kind: SortOfClevrKind, objects: number): boolean {
  return objects > 1 || (kind !== 'nearest' && kind !== 'furthest');
}

/** Each of these kinds of each object, where it has an answer. */
export function questionsAbout(objects: readonly ClevrObject[], kinds: readonly SortOfClevrKind[]): ClevrQuestion[] {
  return kinds
    .filter((kind) => canBeAsked(kind, objects.length))
    .flatMap((kind) => objects.map(({ colour }) => ({ kind, colour })));
}

function squaredDistance(a: ClevrObject, b: ClevrObject): number {
  return (a.x - b.x) ** 2 + (a.y - b.y) ** 2;
}

export function isRelational({ kind }: Pick<ClevrQuestion, 'kind'>): boolean {
  return RELATIONAL.includes(kind);
}

/** The answer to a question about one of the objects. */
export function answerOf(objects: readonly ClevrObject[], { kind, colour }: ClevrQuestion): SortOfClevrAnswer {
  const asked = objects.find((object) => object.colour === colour)!;
  const others = objects.filter((object) => object !== asked);
  const byDistance = (sign: 1 | -1): ClevrObject =>
    others.reduce((best, object) =>
      sign * (squaredDistance(asked, object) - squaredDistance(asked, best)) < 0 ? object : best,
    );
  switch (kind) {
    case 'shape':
      return asked.shape;
    case 'left':
      return asked.x < SORT_OF_CLEVR_SIZE / 2 ? 'yes' : 'no';
    case 'up':
      return asked.y < SORT_OF_CLEVR_SIZE / 2 ? 'yes' : 'no';
    case 'nearest':
      return byDistance(1).shape;
    case 'furthest':
      return byDistance(-1).shape;
    case 'count':
      return String(objects.filter(({ shape }) => shape === asked.shape).length) as SortOfClevrAnswer;
  }
}

/** The question in English. */
export function questionText({ kind, colour }: ClevrQuestion): string {
  const name = SORT_OF_CLEVR_COLOURS[colour]!;
  switch (kind) {
    case 'shape':
      return `What shape is the ${name} object?`;
    case 'left':
      return `Is the ${name} object on the left?`;
    case 'up':
      return `Is the ${name} object at the top?`;
    case 'nearest':
      return `What shape is nearest to the ${name} object?`;
    case 'furthest':
      return `What shape is furthest from the ${name} object?`;
    case 'count':
      return `How many objects have the shape of the ${name} one?`;
  }
}

/** Every question that there is, in English: one for each kind and colour. */
export function sortOfClevrQuestionTexts(): string[] {
  return SORT_OF_CLEVR_KINDS.flatMap((kind) =>
    SORT_OF_CLEVR_COLOURS.map((_, colour) => questionText({ kind, colour })),
  );
}

/**
 * One of the eight ways in which a square can be turned and mirrored. Distances stay; what is left or up has to be asked again.
 * @param way from 0 (as it is) to 7
 */
export function turnedObjects(objects: readonly ClevrObject[], way: number): ClevrObject[] {
  const last = SORT_OF_CLEVR_SIZE - 1;
  return objects.map(({ colour, shape, x, y }) => {
    const [a, b] = (way & 4) === 0 ? [x, y] : [y, x];
    return { colour, shape, x: (way & 1) === 0 ? a : last - a, y: (way & 2) === 0 ? b : last - b };
  });
}

/** Calls `paint` for each pixel of each object with its colour; all other pixels are white. */
export function drawObjects(
  objects: readonly ClevrObject[],
  paint: (x: number, y: number, colour: Colour) => void,
): void {
  for (const { colour, shape, x, y } of objects)
    for (let dy = -RADIUS; dy <= RADIUS; dy++)
      for (let dx = -RADIUS; dx <= RADIUS; dx++)
        if (shape === 'square' || dx * dx + dy * dy <= RADIUS * (RADIUS + 1)) paint(x + dx, y + dy, RGB[colour]!);
}

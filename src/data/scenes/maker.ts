import { DataError, type Random } from '../../core/index.ts';
import { BACKGROUNDS, type Background, type Rgb } from '../emoji/background.ts';
import { isMonochrome, type Concept } from '../emoji/concepts.ts';
import { colourMatrix } from '../emoji/draw.ts';
import { isIconSet } from '../emoji/icon-sets.ts';
import { mayMirror } from '../emoji/mirror.ts';
import { isDrawn, meanColour, type Sprites } from '../emoji/sprites.ts';
import type { RelativeBox } from '../samples.ts';
import { SceneChooser, type Chosen } from './choose.ts';
import { layInCells, layOut, type Piece } from './layout.ts';
import type { FullSceneOptions } from './options.ts';
import { ScenePainter, type DrawingPlan, type DrawingStyle, type InkColour } from './painter.ts';
import type { Scene, SceneObject, SceneWord } from './scene.ts';
import type { SceneVocabulary } from './vocabulary.ts';
import { drawWord, wordSize, writableWords, type WordPlacement } from './words.ts';

const BACKGROUND_SHARE: Readonly<Record<Background, number>> = {
  white: 0.35,
  plain: 0.25,
  gradient: 0.15,
  stripes: 0.1,
  blotches: 0.15,
};
const BACKGROUND_SHARES = BACKGROUNDS.map((kind) => BACKGROUND_SHARE[kind]);
/** Largest side of a drawing where there are one, two or three. */
const BIGGER: Readonly<Record<number, number>> = { 1: 0.9, 2: 0.6, 3: 0.5 };
/** Largest part of the smaller of two drawings' squares that may lie in the other's. */
const OVERLAP = 0.04;
/** Smallest part of a drawing's pixels that must stand out from what is behind it. */
const VISIBLE = 0.4;
/** Smallest and largest side of drawings of any concepts that stand in so many rows and columns, as parts of the picture's. */
const SIDES_OF_ANY: Readonly<Record<number, readonly [number, number]>> = {
  1: [0.4, 0.9],
  2: [0.3, 1 / 2],
  3: [0.2, 1 / 3],
};
const TRIES = 20;
/** After so many tries the background is white. */
const PATIENCE = 6;
const COLOUR_WORD = /\b(red|orange|yellow|green|blue|purple|pink|brown|black|white|grey|light|rainbow|golden)\b/;
/** Icons in a set that is drawn from as often as a set of emoji. */
const ICONS_OF_A_SET = 1000;
/** Part of the drawings of one ink that have a colour where drawings are restyled, and part of these that are filled with it. */
const COLOURED = 0.6;
const FILLED = 0.65;
const IDENTITY = colourMatrix(0, 1, 1, 0, [1, 1, 1]);

interface Manner {
  readonly angle: number;
  readonly aspect: number;
  readonly shear: number;
  readonly mirror: boolean;
}
const UPRIGHT: Manner = { angle: 0, aspect: 1, shear: 0, mirror: false };
const AS_DRAWN: DrawingStyle = { ink: 0, isThick: false, levels: 0 };

/** Makes scenes. What comes out depends on the options, the drawings and the random numbers alone; use one per thread. */
export class SceneMaker {
  readonly options: FullSceneOptions;
  readonly vocabulary: SceneVocabulary;
  readonly #sprites: readonly Sprites[];
  /** For each set, whether it has each concept. */
  readonly #drawn: readonly Uint8Array[];
  /** How often each set is drawn from; nothing where all are drawn from alike. */
  readonly #shares: readonly number[] | undefined;
  readonly #chooser: SceneChooser;
  readonly #painter: ScenePainter;
  readonly #words: readonly string[];

  constructor(options: FullSceneOptions, vocabulary: SceneVocabulary, sprites: readonly Sprites[]) {
    this.options = options;
    this.vocabulary = vocabulary;
    this.#sprites = sprites;
    this.#drawn = sprites.map((set) =>
      Uint8Array.from(vocabulary.concepts, (concept) =>
        // A red apple drawn in black and white is no red apple.
        Number(
          vocabulary.isUsed(concept) &&
            isDrawn(set, concept.index) &&
            !(isMonochrome(set.set) && isNamedByColour(concept)),
        ),
      ),
    );
    if (sprites.some(({ set }) => isIconSet(set)))
      this.#shares = sprites.map(({ set }, i) =>
        isIconSet(set) ? this.#drawn[i]!.reduce((sum, is) => sum + is) / ICONS_OF_A_SET : 1,
      );
    this.#chooser = new SceneChooser(vocabulary, options.objects);
    this.#painter = new ScenePainter(options.size);
    this.#words = writableWords(vocabulary.concepts);
  }

  /** Whether a set has the concept. */
  draws({ index }: Concept): boolean {
    return this.#drawn.some((set) => set[index] === 1);
  }

  /**
   * @param single a concept to be shown alone, instead of what chance would have it
   * @throws DataError when no picture comes out in which everything can be seen
   */
  make(random: Random, single?: Concept): Scene {
    const isSingle = random.uniform() < this.options.singles || single !== undefined;
    const isCrowd = !isSingle && this.options.crowds > 0 && random.uniform() < this.options.crowds;
    const withWord = !isSingle && !isCrowd && random.uniform() < this.options.words;
    const form = isSingle ? 'single' : isCrowd ? 'crowd' : 'scene';
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const scene = this.#attempt(random, form, withWord, attempt >= PATIENCE, single);
      if (scene !== undefined) return scene;
    }
    throw new DataError('no scene comes out in which everything can be seen', 'ask for fewer or larger drawings');
  }

  #attempt(
    random: Random,
    form: 'single' | 'crowd' | 'scene',
    withWord: boolean,
    onWhite: boolean,
    single?: Concept,
  ): Scene | undefined {
    const { options } = this;
    const first =
      this.#shares === undefined ? random.integer(this.#sprites.length) : (random.weighted(this.#shares) ?? 0);
    const isMixed = this.#sprites.length > 1 && random.uniform() < options.mixed;
    const isThere = ({ index }: Concept): boolean => this.#drawn[first]![index] === 1;
    if (single !== undefined && !isThere(single)) return undefined;
    // Drawings of any concepts stand in rows; one that is alone is a row of one.
    const rows = form === 'scene' ? undefined : form === 'crowd' ? this.#crowdRows(random) : 1;
    const chosen: Chosen =
      rows === undefined
        ? this.#chooser.choose(random, isThere)
        : { concepts: single === undefined ? this.#anyConcepts(rows ** 2, random, first) : [single], focus: undefined };
    const { concepts } = chosen;
    const count = concepts.length;
    if (count < (rows === undefined ? options.objects[0] : rows ** 2)) return undefined;
    const [least, largest] = rows === undefined ? options.side : SIDES_OF_ANY[rows]!;
    const most = rows !== undefined || !options.fewAreBigger ? largest : Math.max(largest, BIGGER[count] ?? 0);
    const sides = concepts.map(() => random.uniform(least, most));
    const manners = concepts.map((concept) => this.#manner(concept, random));
    const pieces: Piece[] = sides.map((side, i) => {
      const room = side * (1 + 0.5 * Math.sin(Math.abs(manners[i]!.angle)));
      return { width: Math.min(1, room), height: Math.min(1, room), least: least / side };
    });
    const word = withWord ? this.#word(random) : undefined;
    if (word !== undefined) {
      const [width, height] = wordSize(word.text, word.height, word.slant, word.stretch);
      pieces.push({ width, height, least: 0.85 });
      if (width > 0.8) return undefined;
    }
    const places =
      rows === undefined || rows === 1 ? layOut(pieces, OVERLAP, random) : layInCells(pieces, rows, random);
    if (places === undefined) return undefined;

    const style = options.vary ? anyStyle(random, options.restyle) : AS_DRAWN;
    const drawings = concepts.map((concept, i): DrawingPlan => {
      const set = isMixed ? this.#anySet(concept, first, random) : first;
      const { x, y, shrink } = places[i]!;
      const room = pieces[i]!.width * shrink;
      return {
        sprites: this.#sprites[set]!,
        index: concept.index,
        placement: {
          ...manners[i]!,
          centerX: x + room / 2,
          centerY: y + room / 2,
          scale: sides[i]! * shrink,
          blur: options.vary && sides[i]! > 0.3 && random.uniform() < 0.08 ? 1 : 0,
        },
        matrix: options.vary ? tint(concept, random) : IDENTITY,
        ...this.#dress(concept, set, style, random),
      };
    });
    const { size } = options;
    const place = places[count];
    const painted = this.#painter.paint({
      background: onWhite ? 'white' : BACKGROUNDS[random.weighted(BACKGROUND_SHARES)!]!,
      backgroundRandom: random.fork('background'),
      drawings,
      word:
        word === undefined || place === undefined
          ? undefined
          : { ...word, left: place.x * size, top: place.y * size, height: word.height * place.shrink * size },
      noise: options.vary && random.uniform() < 0.25 ? random.uniform(2, 14) : 0,
      noiseSeed: random.uint32(),
    });
    if (painted.drawings.some(({ visible }) => visible < VISIBLE)) return undefined;
    const objects = concepts.map((concept, i): SceneObject => {
      const { box, painted: part, colour } = painted.drawings[i]!;
      const { sprites, inkColour } = drawings[i]!;
      return {
        concept,
        kind: this.vocabulary.kindOf(concept),
        box,
        x: (box[0] + box[2]) / 2,
        y: (box[1] + box[3]) / 2,
        area: (box[2] - box[0]) * (box[3] - box[1]),
        painted: part,
        // An icon without a colour is ink, and says nothing of the thing's.
        colour: isIconSet(sprites.set) && inkColour === undefined ? undefined : colour,
      };
    });
    return {
      picture: painted.picture,
      objects: objects.sort((a, b) => a.x - b.x),
      word: word === undefined ? undefined : wordOf(word.text, painted.letters),
      single: form === 'single',
      crowd: form === 'crowd',
      focus: chosen.focus,
    };
  }

  #crowdRows(random: Random): number {
    const [fewest, most] = this.options.crowdRows;
    return fewest === most ? fewest : fewest + random.integer(most - fewest + 1);
  }

  /** Concepts that the set has, of which none could be called by another's name; fewer where they are not found. */
  #anyConcepts(count: number, random: Random, set: number): Concept[] {
    const concepts: Concept[] = [];
    for (let attempt = 0; attempt < 1000 && concepts.length < count; attempt++) {
      const concept = random.pick(this.vocabulary.concepts);
      if (this.#drawn[set]![concept.index] !== 1) continue;
      if (concepts.every((other) => this.vocabulary.areDistinct(concept, other))) concepts.push(concept);
    }
    return concepts;
  }

  #anySet({ index }: Concept, first: number, random: Random): number {
    const set = random.integer(this.#sprites.length);
    return this.#drawn[set]![index] === 1 ? set : first;
  }

  /** What varies of a drawing's lines and colours. What is named by its colour keeps it, and lines are not drawn around lines. */
  #dress(concept: Concept, set: number, style: DrawingStyle, random: Random): Pick<DrawingPlan, 'style' | 'inkColour'> {
    const { vary, restyle } = this.options;
    if (!vary || !restyle || !isMonochrome(this.#sprites[set]!.set))
      return { style: style.levels > 0 && isNamedByColour(concept) ? { ...style, levels: 0 } : style };
    return { style: AS_DRAWN, inkColour: random.uniform() < COLOURED ? this.#inkColour(concept, random) : undefined };
  }

  /** The colour that the concept has in another set, or any. */
  #inkColour({ index }: Concept, random: Random): InkColour {
    const coloured = this.#sprites.filter(({ set }, i) => !isMonochrome(set) && this.#drawn[i]![index] === 1);
    const any = (): number => random.uniform(40, 255);
    const colour = coloured.length > 0 ? meanColour(random.pick(coloured), index) : ([any(), any(), any()] as const);
    return { colour, isInside: random.uniform() < FILLED };
  }

  #manner(concept: Concept, random: Random): Manner {
    if (!this.options.vary) return UPRIGHT;
    return {
      angle: (random.uniform(-12, 12) * Math.PI) / 180,
      aspect: random.uniform(0.9, 1.1),
      shear: random.uniform(-0.06, 0.06),
      mirror: mayMirror(concept) && random.uniform() < 0.5,
    };
  }

  /** A word whose lengths are parts of the picture's side; where it goes is not yet known. */
  #word(random: Random): WordPlacement {
    const dark: Rgb = [random.uniform(0, 110), random.uniform(0, 90), random.uniform(0, 110)];
    const light: Rgb = [random.uniform(200, 255), random.uniform(200, 255), random.uniform(200, 255)];
    const isLight = random.uniform() < 0.4;
    return {
      text: drawWord(this.#words, random),
      left: 0,
      top: 0,
      height: random.uniform(0.09, 0.14),
      radius: random.uniform(0.4, 0.75),
      slant: random.uniform() < 0.3 ? random.uniform(0, 0.25) : 0,
      stretch: random.uniform(0.85, 1.15),
      ink: isLight ? light : dark,
      plate: isLight ? dark : light,
    };
  }
}

function wordOf(text: string, letters: readonly RelativeBox[]): SceneWord {
  const sides = (side: 0 | 1 | 2 | 3): number[] => letters.map((box) => box[side]);
  const box = [Math.min(...sides(0)), Math.min(...sides(1)), Math.max(...sides(2)), Math.max(...sides(3))] as const;
  return { text, box, letters };
}

function isNamedByColour(concept: Concept): boolean {
  return COLOUR_WORD.test(concept.wording.en.name);
}

/** What all drawings of a picture have in common. */
function anyStyle(random: Random, restyle: boolean): DrawingStyle {
  const ink = random.uniform() < (restyle ? 0.6 : 0.35) ? random.uniform(0.3, 1) : 0;
  if (!restyle) return { ink, isThick: false, levels: 0 };
  const isThick = ink > 0 && random.uniform() < 0.5;
  return { ink, isThick, levels: random.uniform() < 0.4 ? 3 + random.integer(3) : 0 };
}

/** A change of colour that leaves its name true. */
function tint(concept: Concept, random: Random): ReturnType<typeof colourMatrix> {
  const around = (reach: number): number => random.uniform(-reach, reach);
  const isNamed = isNamedByColour(concept);
  const grey = random.uniform() < 0.04 && !isNamed;
  return colourMatrix(
    (around(isNamed ? 4 : 11) * Math.PI) / 180,
    grey ? 0 : 1 + around(isNamed ? 0.1 : 0.3),
    1 + around(0.2),
    around(0.08),
    [1 + around(0.06), 1 + around(0.06), 1 + around(0.06)],
  );
}

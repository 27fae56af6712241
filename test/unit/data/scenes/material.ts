import { loadConcepts } from '../../../../src/data/emoji/node/packages.ts';
import { buildSprites } from '../../../../src/data/emoji/sprites.ts';
import {
  fullSceneOptions,
  SceneVocabulary,
  type EmojiMaterial,
  type SceneOptions,
} from '../../../../src/data/index.ts';
import { SceneMaker } from '../../../../src/data/scenes/maker.ts';

const SIDE = 16;
/** Red, yellow, green, blue, purple, brown, black, grey: without doubt. */
export const PAINTS = [
  [230, 30, 30], [250, 220, 40], [40, 170, 60], [40, 90, 220], [140, 50, 190], [120, 70, 30], [10, 10, 10], [128, 128, 128],
] as const; // prettier-ignore
export const PAINT_NAMES = ['red', 'yellow', 'green', 'blue', 'purple', 'brown', 'black', 'grey'] as const;

/**
 * Every concept as a filled square of one colour, by its index, so that nothing needs to be rendered.
 * @param shift how many colours further another set's are  @param without index of a concept that the set has not drawn
 */
export async function squares(set = 'noto', shift = 0, without = -1): Promise<EmojiMaterial> {
  const concepts = await loadConcepts();
  const pixels = new Uint8Array(concepts.length * SIDE * SIDE * 4);
  for (const { index } of concepts) {
    if (index === without) continue;
    const paint = PAINTS[(index + shift) % PAINTS.length]!;
    for (let i = index * SIDE * SIDE; i < (index + 1) * SIDE * SIDE; i++) pixels.set([...paint, 255], i * 4);
  }
  return { concepts, sprites: [buildSprites(set, SIDE, concepts.length, pixels)] };
}

/** The options of the suite: two to six drawings as they are. */
export const TEST_OPTIONS: SceneOptions = {
  sets: ['noto'],
  size: 64,
  objects: [2, 6],
  singles: 0,
  mixed: 0,
  vary: false,
  fewAreBigger: false,
};

export function makerOf(options: SceneOptions, { concepts, sprites }: EmojiMaterial): SceneMaker {
  return new SceneMaker(fullSceneOptions(options), new SceneVocabulary(concepts), sprites);
}

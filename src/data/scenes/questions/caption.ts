import type { Random } from '../../../core/index.ts';
import type { Language } from '../../emoji/concepts.ts';
import { colourName } from '../colours.ts';
import { inRegion, regionOf } from '../phrases.ts';
import { type Asker, type Asking, inWords, listOf, type SceneQuestion } from '../question.ts';
import type { Scene, SceneObject } from '../scene.ts';
import { nameOf, someOf } from '../vocabulary.ts';
import { isNumber } from '../words.ts';

/** How much a caption says: what is there, also where, or also in which colour. */
export const CAPTION_STYLES = ['plain', 'places', 'colours'] as const;
export type CaptionStyle = (typeof CAPTION_STYLES)[number];

const WORDINGS = {
  en: {
    plain: ['Describe the picture.', 'Describe the picture in one sentence.', 'What is in the picture?'],
    places: ['Describe what is where in the picture.', 'Describe the picture with positions.'],
    colours: ['Describe the picture with colours.', 'Describe what the picture shows, and in which colours.'],
  },
  zh: {
    plain: ['描述这张图片。', '用一句话描述这张图片。', '图片里有什么？'],
    places: ['描述图中什么东西在什么位置。', '描述这张图片，说明位置。'],
    colours: ['描述这张图片，说明颜色。', '描述图中有什么，是什么颜色。'],
  },
} as const;

const PLAIN_SHARE = 0.6;

const IN_ROWS = {
  en: ['Name everything row by row.', 'List all things, one row after the other.'],
  zh: ['逐行说出所有东西。', '一行一行列出图中的东西。'],
} as const;

/** One sentence about all that is there; of a crowd its names, row by row. */
export const askCaption: Asker = (asking) => {
  const { scene, language, random } = asking;
  if (scene.crowd) return askRows(asking);
  const style = drawStyle(random);
  const text = describeScene(scene, language, style);
  const names = scene.objects.map(({ concept }) => nameOf(concept, language));
  return inWords('caption', style, language, random.pick<string>(WORDINGS[language][style]), text, { names });
};

/** Many names for one look at a picture. */
function askRows({ scene: { objects }, language, random }: Asking): SceneQuestion {
  const count = Math.round(Math.sqrt(objects.length));
  const rows = Array.from({ length: count }, (_, row) =>
    // Drawings lie in cells of their own, and are given from left to right.
    objects.filter(({ y }) => Math.floor(y * count) === row).map(({ concept }) => nameOf(concept, language)),
  );
  const [comma, end] = language === 'zh' ? ['、', '；'] : [', ', '; '];
  const text = rows.map((names) => names.join(comma)).join(end);
  return inWords('caption', 'rows', language, random.pick<string>(IN_ROWS[language]), text, { names: rows.flat() });
}

function drawStyle(random: Random): CaptionStyle {
  return random.uniform() < PLAIN_SHARE ? 'plain' : random.uniform() < 0.5 ? 'places' : 'colours';
}

/** A sentence that names all drawings from left to right, and the word if there is one. */
export function describeScene(scene: Scene, language: Language, style: CaptionStyle = 'plain'): string {
  const things = scene.objects.map((object) => describeObject(object, language, style));
  if (language === 'zh') {
    const list = listOf(things, language);
    return scene.word === undefined ? `图中有${list}。` : `图中有${list}，还写着“${scene.word.text}”。`;
  }
  if (scene.word !== undefined)
    things.push(`the ${isNumber(scene.word.text) ? 'number' : 'word'} "${scene.word.text}"`);
  return `The picture shows ${listOf(things, language)}.`;
}

function describeObject(object: SceneObject, language: Language, style: CaptionStyle): string {
  const name = someOf(object.concept, language);
  if (style === 'places') {
    const region = regionOf(object);
    if (region === undefined) return name;
    return language === 'zh' ? `${inRegion(region, language)}的${name}` : `${name} ${inRegion(region, language)}`;
  }
  if (style === 'colours' && object.colour !== undefined) {
    const colour = colourName(object.colour, language);
    return language === 'zh' ? `${name}（${colour}）` : `${name} in ${colour}`;
  }
  return name;
}

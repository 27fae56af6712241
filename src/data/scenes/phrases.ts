/** Ways to speak of one drawing among several that leave no doubt which is meant. */
import type { Language } from '../emoji/concepts.ts';
import { colourName } from './colours.ts';
import { kindName } from './kinds.ts';
import type { Asking } from './question.ts';
import type { SceneObject } from './scene.ts';
import { theOf } from './vocabulary.ts';

/** How much more area one box must have than another to be called bigger. */
const BIGGER_BY = 1.4;
/** How far apart the middles of two boxes must be, as a part of the side, to be called left of or above each other. */
export const APART = 0.13;

/** What a phrase goes by. */
export type PhraseForm = 'name' | 'colour' | 'kind' | 'size' | 'place';
export interface Phrase {
  readonly form: PhraseForm;
  readonly text: string;
  /** Whether it says of which kind the thing is. */
  readonly ofKind: boolean;
}

/** A phrase of the form that fits the object alone, or nothing. */
export function phraseFor(object: SceneObject, form: PhraseForm, asking: Asking): Phrase | undefined {
  const { language } = asking;
  const text =
    form === 'name'
      ? theOf(object.concept, language)
      : form === 'colour'
        ? byColour(object, asking)
        : form === 'kind'
          ? byKind(object, asking)
          : form === 'size'
            ? bySize(object, asking)
            : byPlace(object, language);
  if (text === undefined) return undefined;
  if (form === 'place' && asking.scene.objects.some((other) => other !== object && !isElsewhere(other, object)))
    return undefined;
  const ofKind =
    object.kind !== undefined && form !== 'name' && form !== 'place' && text.includes(kindName(object.kind, language));
  return { form, text, ofKind };
}

function byColour(object: SceneObject, { scene, language, vocabulary }: Asking): string | undefined {
  const { kind, colour } = object;
  if (kind === undefined || colour === undefined || !vocabulary.isClear(kind, scene.objects)) return undefined;
  const others = scene.objects.filter((other) => other !== object && other.kind === kind);
  if (others.some((other) => other.colour === undefined || other.colour === colour)) return undefined;
  const [name, hue] = [kindName(kind, language), colourName(colour, language)];
  return language === 'zh' ? `${hue}的${name}` : `the ${hue} ${name}`;
}

function byKind(object: SceneObject, { scene, language, vocabulary }: Asking): string | undefined {
  const { kind } = object;
  if (kind === undefined || !vocabulary.isClear(kind, scene.objects)) return undefined;
  if (scene.objects.some((other) => other !== object && other.kind === kind)) return undefined;
  return language === 'zh' ? kind.zh : `the ${kind.en[0]}`;
}

function bySize(object: SceneObject, { scene, language, vocabulary, random }: Asking): string | undefined {
  const { kind } = object;
  const ofKind = kind !== undefined && vocabulary.isClear(kind, scene.objects) && random.uniform() < 0.6;
  const others = scene.objects.filter((other) => other !== object && (!ofKind || other.kind === kind));
  if (others.length === 0) return undefined;
  const name = ofKind && kind !== undefined ? kindName(kind, language) : language === 'zh' ? '东西' : 'thing';
  if (others.every((other) => isBigger(object, other)))
    return language === 'zh' ? `最大的${name}` : `the biggest ${name}`;
  if (others.every((other) => isBigger(other, object)))
    return language === 'zh' ? `最小的${name}` : `the smallest ${name}`;
  return undefined;
}

export function isBigger(a: SceneObject, b: SceneObject): boolean {
  return a.area >= BIGGER_BY * b.area && a.painted >= 1.15 * b.painted;
}

const REGIONS = {
  en: ['top left', 'top', 'top right', 'left', 'center', 'right', 'bottom left', 'bottom', 'bottom right'],
  zh: ['左上', '上方', '右上', '左边', '中间', '右边', '左下', '下方', '右下'],
} as const;

/** Names of the nine regions, row by row. */
export function regionNames(language: Language): readonly string[] {
  return REGIONS[language];
}

/** The region in which the middle of a box lies, or nothing near a border between two. */
export function regionOf({ x, y }: SceneObject): number | undefined {
  const column = third(x);
  const row = third(y);
  return column === undefined || row === undefined ? undefined : row * 3 + column;
}

/** `top left`, `左上`: the name of the region in which the middle of a box lies, or nothing near a border between two. */
export function placeName(object: SceneObject, language: Language): string | undefined {
  const region = regionOf(object);
  return region === undefined ? undefined : REGIONS[language][region];
}

function third(at: number): number | undefined {
  if (at < 0.33) return 0;
  if (at > 0.67) return 2;
  return at > 0.4 && at < 0.6 ? 1 : undefined;
}

function byPlace(object: SceneObject, language: Language): string | undefined {
  const region = regionOf(object);
  if (region === undefined) return undefined;
  return language === 'zh' ? `${REGIONS.zh[region]!}的东西` : `the thing ${inRegion(region, 'en')}`;
}

/** Before the names of the regions. */
const PREPOSITIONS = ['at', 'at', 'at', 'on', 'in', 'on', 'at', 'at', 'at'] as const;

/** `at the top left`, `on the left`, `in the center`, `左上`. */
export function inRegion(region: number, language: Language): string {
  const name = REGIONS[language][region]!;
  return language === 'zh' ? name : `${PREPOSITIONS[region]!} the ${name}`;
}

/** Whether nobody would say that the other lies where the object lies. */
function isElsewhere(other: SceneObject, object: SceneObject): boolean {
  const region = regionOf(object)!;
  const [centerX, centerY] = [((region % 3) * 2 + 1) / 6, (Math.floor(region / 3) * 2 + 1) / 6];
  return Math.abs(other.x - centerX) > 0.24 || Math.abs(other.y - centerY) > 0.24;
}

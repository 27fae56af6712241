/** Who lies where in relation to whom. */
import type { Language } from '../emoji/concepts.ts';
import { APART } from './phrases.ts';
import type { SceneObject } from './scene.ts';

export const DIRECTIONS = ['left', 'right', 'above', 'below'] as const;
export type Direction = (typeof DIRECTIONS)[number];

const WORDS = {
  en: { left: 'left of', right: 'right of', above: 'above', below: 'below' },
  zh: { left: '左边', right: '右边', above: '上面', below: '下面' },
} as const;
const FURTHER = {
  en: { left: 'further left', right: 'further right', above: 'higher up', below: 'lower down' },
  zh: { left: '靠左', right: '靠右', above: '靠上', below: '靠下' },
} as const;
const FURTHEST = {
  en: { left: 'furthest left', right: 'furthest right', above: 'highest up', below: 'lowest down' },
  zh: { left: '最左边', right: '最右边', above: '最上面', below: '最下面' },
} as const;

/** `left of`, `左边`. */
export function directionWords(direction: Direction, language: Language): string {
  return WORDS[language][direction];
}

/** `further left`, `靠左`. */
export function furtherWords(direction: Direction, language: Language): string {
  return FURTHER[language][direction];
}

/** `furthest left`, `最左边`. */
export function furthestWords(direction: Direction, language: Language): string {
  return FURTHEST[language][direction];
}

/** How far `a` lies from `b` in a direction, negative where it lies the other way; a part of the picture's side. */
export function distanceTowards(direction: Direction, a: SceneObject, b: SceneObject): number {
  if (direction === 'left') return b.x - a.x;
  if (direction === 'right') return a.x - b.x;
  return direction === 'above' ? b.y - a.y : a.y - b.y;
}

/** What surely lies in that direction from the object, or nothing where that can be argued about. */
export function liesTowards(
  direction: Direction,
  object: SceneObject,
  objects: readonly SceneObject[],
): readonly SceneObject[] | undefined {
  const others = objects.filter((other) => other !== object);
  const distances = others.map((other) => distanceTowards(direction, other, object));
  if (distances.some((distance) => distance > 0.02 && distance < APART)) return undefined;
  return others.filter((_, i) => distances[i]! >= APART);
}

/** The one that lies furthest in a direction by a clear margin. */
export function furthest(direction: Direction, objects: readonly SceneObject[]): SceneObject | undefined {
  return objects.find((object) =>
    objects.every((other) => other === object || distanceTowards(direction, object, other) >= 0.07),
  );
}

/** Whether the order from left to right is beyond doubt; the objects must be in it already. */
export function areInOrder(objects: readonly SceneObject[]): boolean {
  return objects.every((object, i) => i === 0 || object.x - objects[i - 1]!.x >= 0.045);
}

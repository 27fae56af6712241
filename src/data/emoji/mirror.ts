import type { Concept } from './concepts.ts';

/** Groups and subgroups whose pictures hold writing, digits, hands of clocks or directions. */
const FIXED = new Set([
  'symbols',
  'flags',
  'time',
  'phone',
  'computer',
  'book-paper',
  'money',
  'mail',
  'office',
  'place-map',
  'award-medal',
  'game',
  'place-building',
  'music',
]);
const DIRECTED =
  /\b(left|right|leftwards|rightwards|facing|clockwise|arrow|direction|letters?|numbers?|digits?|sign|points|hundred|zzz|moon|waxing|waning|first quarter|last quarter|ok|no|birthday|tear|abc|button|school|stop)\b/i;

/** Whether a mirrored drawing still fits everything that can be said of the concept. */
export function mayMirror(concept: Concept): boolean {
  if (FIXED.has(concept.group) || FIXED.has(concept.subgroup)) return false;
  const { name, tags } = concept.wording.en;
  return !DIRECTED.test(`${name} ${tags.join(' ')}`);
}

/**
 * How many columns text takes on a terminal: Chinese, Japanese and Korean characters and emoji take two, marks that
 * combine with the character before take none.
 */

/** First and last code points of the ranges that terminals draw two columns wide (Unicode UAX #11, W and F). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

const EMOJI = /\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u;
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const ESCAPE = String.fromCharCode(27);
const BELL = String.fromCharCode(7);
/** Commands (`ESC [ … letter`), settings such as a window's title (`ESC ] … BEL`) and two-character escapes. */
const ESCAPE_SEQUENCE = new RegExp(
  `${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|\\]\\P{Cc}*(?:${BELL}|${ESCAPE}\\\\)?|[@-Z\\\\-_])`,
  'gu',
);
const CONTROL = /\p{Cc}/gu;
/** Characters that turn the direction of what follows and so could disguise a line. */
const DIRECTION = /[\u202A-\u202E\u2066-\u2069]/g;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Columns that `text` takes; `text` holds no escape sequences (see {@link plainText}). */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += clusterWidth(segment);
  return width;
}

/** `text` cut to at most `columns`, with `…` where something was left out. A wide character is never cut in half. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns <= 0) return '';
  let kept = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = width + clusterWidth(segment);
    if (next > columns - 1) break;
    kept += segment;
    width = next;
  }
  return `${kept}…`;
}

/** Text from outside made harmless for a terminal: no escape sequences, control characters or turns of direction. */
export function plainText(text: string): string {
  return text.replace(ESCAPE_SEQUENCE, '').replace(CONTROL, ' ').replace(DIRECTION, '');
}

function clusterWidth(cluster: string): number {
  if (INVISIBLE.test(cluster)) return 0;
  if (EMOJI.test(cluster)) return 2;
  const point = cluster.codePointAt(0)!;
  return WIDE.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}

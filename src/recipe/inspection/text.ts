import { fitWidth, plainText } from '../../core/text-width.ts';
import { paintPieces } from '../doctor/loss-text.ts';
import type { ViewedSample } from './view.ts';

const bold = (text: string, colour: boolean): string => (colour ? `\u001B[1m${text}\u001B[22m` : text);
const faint = (text: string, colour: boolean): string => (colour ? `\u001B[2m${text}\u001B[22m` : text);
const red = (text: string, colour: boolean): string => (colour ? `\u001B[31m${text}\u001B[39m` : text);

/** Letters of a turn that are shown. */
const MOST_LETTERS = 1000;

/** A sample for a terminal. @param colour with escape sequences */
export function sampleText(sample: ViewedSample, colour: boolean): string {
  const lines = [`${bold(`#${sample.index}`, colour)}  ${plainText(sample.id)}`];
  for (const [i, { name, width, height, boxes }] of sample.pictures.entries()) {
    const number = sample.pictures.length === 1 ? 'picture' : `picture ${i + 1}`;
    lines.push(`  ${number}  ${width} × ${height}  ${faint(fitWidth(plainText(name), 80), colour)}`);
    for (const [k, box] of boxes.entries())
      lines.push(`    box ${k + 1}  ${box.map((side) => side.toFixed(3)).join('  ')}`);
  }
  for (const { turns, pieces } of sample.conversations) {
    for (const { role, text } of turns) {
      const letters = Array.from(text);
      const shown = letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS).join('')}…` : text;
      const indented = plainText(shown.replaceAll('\n', '⏎')).replaceAll('⏎', `\n${' '.repeat(13)}`);
      lines.push(`  ${faint(role.padEnd(9), colour)}  ${indented}`);
    }
    if (pieces !== undefined) {
      const [all, learned] = [pieces, pieces.filter(({ kind }) => kind === 'learned')].map((list) =>
        list.reduce((sum, { tokens }) => sum + tokens, 0),
      );
      lines.push(`  ${faint(`${all} tokens, ${learned} learned`, colour)}`, `  ${paintPieces(pieces, colour)}`);
    }
    lines.push('');
  }
  if (sample.problem !== undefined) lines.push(`  ${red(printableLines(sample.problem), colour)}`, '');
  return lines.join('\n');
}

function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => plainText(line))
    .join('\n  ');
}

import { expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { collect, number, range, share, whole } from '../../../src/cli/arguments.ts';

it('reads numbers, shares, ranges and lists', () => {
  expect(number('-0.5')).toBe(-0.5);
  expect(whole(0, 9)('9')).toBe(9);
  expect(share('1')).toBe(1);
  expect([range('2-6'), range('0.2')]).toEqual([
    [2, 6],
    [0.2, 0.2],
  ]);
  expect(collect('b', collect('a', undefined))).toEqual(['a', 'b']);
});

it.each([
  [(): unknown => number(' '), /a number/],
  [(): unknown => number('many'), /a number/],
  [(): unknown => whole(1)('0'), /a whole number from 1 up/],
  [(): unknown => whole(0, 9)('10'), /a whole number from 0 to 9/],
  [(): unknown => whole(0)('1.5'), /a whole number/],
  [(): unknown => whole(0)(''), /a whole number/],
  [(): unknown => share('0'), /above 0, at most 1/],
  [(): unknown => range('6-'), /two with a hyphen between/],
])('refuses what is none (%#)', (read, message) => {
  expect(read).toThrow(message);
});

it('refuses it before a command begins, and names the option', async () => {
  const program = createProgram();
  for (const command of program.commands) command.configureOutput({ writeErr: () => undefined });
  await expect(program.parseAsync(['bench', 'train-step', '--rounds', 'many'], { from: 'user' })).rejects.toThrow(
    /--rounds <n>' argument 'many' is invalid\. It must be a whole number from 1 up/,
  );
});

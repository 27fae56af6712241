import { expect, it } from 'vitest';
import { crashFigures, type Trial } from '../../../bench/crash-safety.ts';

const trial = (code: number | null, identical: boolean): Trial => ({
  moment: 1,
  step: 1,
  code,
  identical,
  unreadable: false,
  output: '',
});

it('counts a run that was over before the signal apart from those that were resumed', () => {
  const figures = crashFigures('a run', [trial(null, true), trial(null, false), trial(0, true)]);
  expect(figures.map(({ name, value, unit }) => `${name}: ${value} ${unit}`)).toEqual([
    'crash-safety a run identical: 1 of 2',
    'crash-safety a run unreadable checkpoints: 0 of 3',
    'crash-safety a run over before the signal: 1 of 3',
  ]);
});

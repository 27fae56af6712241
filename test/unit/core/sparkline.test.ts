import { expect, it } from 'vitest';
import { formatLiveLine, formatPlainLine } from '../../../src/core/progress.ts';
import { sparkline } from '../../../src/core/sparkline.ts';

it.each([
  [[], ''],
  [[1], '▁'],
  [[2, 2, 2], '▁▁▁'],
  [[0, 1, 2, 3, 4, 5, 6, 7], '▁▂▃▄▅▆▇█'],
  [[7, Number.NaN, 0], '█ ▁'],
  // Means of two.
  [[0, 2, 14, 16, 7, 7, 7, 9, 1, 1, 1, 1, 1, 1, 1, 1], '▁█▄▅▁▁▁▁'],
])('%j is drawn as %s', (values, text) => expect(sparkline(values, 8)).toBe(text));

it('stands at the end of a wide line, and nowhere else', () => {
  const update = { step: 5, loss: 0.5, curve: Array.from({ length: 40 }, (_, i) => 1 / (i + 1)) };
  const task = { label: 'training', total: 10 };
  expect(formatLiveLine(task, update, 100)).toMatch(/loss 0\.5000 {2}█[▁-█]{15}$/);
  expect(formatLiveLine(task, update, 50)).not.toMatch(/[▁▂]/);
  expect(formatPlainLine(task, update)).toBe('training   5/10 (50%)  loss 0.5000');
});

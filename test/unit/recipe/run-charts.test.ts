import { expect, it } from 'vitest';
import { runCharts } from '../../../src/recipe/run-charts.ts';
import { RunHistory } from '../../../src/train/run-history.ts';

it('draws validation beside training, shares together, other figures alone, and at most six lines in a chart', () => {
  const history = new RunHistory();
  expect(runCharts(history)).toEqual([]);
  const figures = { learningRate: 0.1, gradientNorm: 1, samplesPerSecond: 3 };
  const parts = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`part ${i}`, i]));
  history.observe({ kind: 'train', step: 1, seconds: 1, loss: 2, parts, ...figures });
  const values = { accuracy: 0.5, f1: Number.NaN, perplexity: 30, loss: 3 };
  history.observe({ kind: 'validation', step: 1, seconds: 1, values });
  expect(runCharts(history).map(({ title, series }) => [title, series.map(({ name }) => name)])).toEqual([
    ['Loss', ['training', 'validation']],
    ['Validation', ['accuracy', 'f1']],
    ['Validation: perplexity', ['perplexity']],
    ['Parts of the loss, and figures', ['part 0', 'part 1', 'part 2', 'part 3', 'part 4', 'part 5']],
    ['Parts of the loss, and figures', ['part 6', 'part 7']],
    ['Learning rate', ['learning rate']],
    ['Norm of the gradients', ['norm of the gradients']],
    ['Speed', ['speed']],
  ]);
});

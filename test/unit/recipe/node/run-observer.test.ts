import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunObserver } from '../../../../src/recipe/node/run-observer.ts';
import type { MetricsRecord } from '../../../../src/train/metrics.ts';
import { MetricsFile, readMetrics } from '../../../../src/train/node/index.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const folder = temporaryFolder();

function trained(step: number): MetricsRecord {
  const figures = { learningRate: 0.1, gradientNorm: 1, samplesPerSecond: 3 };
  return { kind: 'train', step, seconds: step, loss: 1 / step, parts: {}, ...figures };
}

describe('RunObserver', () => {
  it('records, shows in plain lines, and reports at the end, also of a run that went on', async () => {
    const path = join(folder, 'run');
    mkdirSync(path);
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text) };
    const first = await MetricsFile.create(join(path, 'metrics.jsonl'));
    for (const step of [1, 2, 3]) await first.append(trained(step));
    await first.close();

    const metrics = await MetricsFile.resume(join(path, 'metrics.jsonl'), 2);
    const observer = await RunObserver.open({ folder: path, metrics, stream, live: 0, tensorboard: true });
    const { hooks } = observer;
    observer.begin({ steps: 4 });
    for (const step of [3, 4]) {
      await hooks.metrics.append(trained(step));
      const result = { loss: 1 / step, figures: {}, gradientNorm: 1 };
      const speed = { learningRate: 0.1, samplesPerSecond: 3 };
      hooks.onStep!({ step, totalSteps: 4, progress: step / 4, seconds: step, result, ...speed });
    }
    await hooks.metrics.append({ kind: 'validation', step: 4, seconds: 4, values: { accuracy: 0.5 } });
    hooks.onBest!({ step: 4, value: 0.5 });
    const samples = [{ question: 'Which\ncolour?', expected: 'red', generated: 'x'.repeat(100) }];
    await hooks.metrics.append({ kind: 'samples', step: 4, seconds: 4, samples });
    await hooks.metrics.sync();
    observer.end('done');
    const report = await observer.writeReport({
      run: 'a run',
      outcome: { ended: 'stopped', steps: 4, seconds: 65, checkpoint: undefined, best: { step: 4, value: 0.5 } },
      createdAt: '2026-11-26T08:00:00Z',
      recipe: 'train: { steps: 4 }',
      engine: 'onnxruntime 1.30.0',
      threads: 2,
      seed: 3,
    });
    await observer.close();
    await metrics.close();

    const steps: number[] = [];
    for await (const record of readMetrics(metrics.path)) steps.push(record.step);
    expect(steps).toEqual([1, 2, 3, 4, 4, 4]);
    const shown = lines.join('');
    expect(shown).toContain(`watched at ${observer.url}`);
    expect(shown).toContain('step 4, validation: accuracy 0.5000');
    expect(shown).toContain('step 4: the best so far, 0.5000');
    expect(shown).toContain(`step 4  Which colour? → ${'x'.repeat(59)}…  (right: red)`);
    const html = readFileSync(report, 'utf8');
    expect(html).toContain('ended early');
    expect(html).toContain('best evaluation');
    expect(html).toContain('Which\ncolour?');
    expect(html).toContain('train: { steps: 4 }');
    expect(html).not.toContain('<script');
    expect(readdirSync(join(path, 'tensorboard'))).toHaveLength(1);
  });
});

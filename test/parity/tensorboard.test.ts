/** Event files against those of TensorBoard's own writer; made by make/event_files.py. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseMetrics } from '../../src/train/metrics.ts';
import { metricsEvent, versionEvent } from '../../src/train/tensorboard.ts';

const fixture = JSON.parse(readFileSync(new URL('fixtures/tensorboard.json', import.meta.url), 'utf8')) as {
  wallTime: number;
  version: string;
  events: { record: unknown; bytes: string }[];
};
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

it('the first event is the same, byte for byte', () => {
  expect(base64(versionEvent(fixture.wallTime))).toBe(fixture.version);
});

it.each(fixture.events)('the event of %o is the same, byte for byte', ({ record, bytes }) => {
  expect(base64(metricsEvent(parseMetrics(JSON.stringify(record), 'fixture'), fixture.wallTime))).toBe(bytes);
});

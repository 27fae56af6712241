/** Figures of a server as Prometheus reads them. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Observer } from '../observe/request-record.ts';
import type { ModelState } from '../pool/model-pool.ts';

export interface MetricsOptions {
  /** Asked whenever the figures are read. */
  readonly models?: () => readonly ModelState[];
  /** Figures of the process: memory, processor time, delays of the event loop. There unless told. */
  readonly ofProcess?: boolean;
}

const REQUEST_SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const FIRST_TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const NEXT_TOKEN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2];

/** The figures, kept in a registry of their own, so that several servers in a process do not mix. */
export interface Metrics extends Observer {
  /** All figures as text, and its content type. */
  read(): Promise<{ readonly text: string; readonly type: string }>;
  /** Forgets them. */
  close(): void;
}

/** Figures by route, status and model alone: nothing that a client chooses becomes a label. */
export function createMetrics({ models = () => [], ofProcess = true }: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: T[]): Counter<T> =>
    new Counter({ name: `sensorium_${name}`, help, labelNames, registers });
  const histogram = <T extends string>(name: string, help: string, labelNames: T[], buckets: number[]): Histogram<T> =>
    new Histogram({ name: `sensorium_${name}`, help, labelNames, buckets, registers });

  const requests = counter('requests_total', 'Requests that are over', ['route', 'method', 'status', 'ended']);
  const refused = counter('refused_total', 'Requests that were refused, by the code of the error', ['code']);
  const failures = counter('failures_total', 'Failures of the server itself; the log has their causes', ['route']);
  const prompt = counter('prompt_tokens_total', 'Tokens that were read', ['model']);
  const answer = counter('generated_tokens_total', 'Tokens that were written', ['model']);
  const seconds = histogram('request_seconds', 'From first to last byte', ['route'], REQUEST_SECONDS);
  const first = histogram('first_token_seconds', 'From the request to the first token', ['model'], FIRST_TOKEN_SECONDS);
  const between = histogram('between_tokens_seconds', 'Between tokens of an answer', ['model'], NEXT_TOKEN_SECONDS);
  const underWay = new Gauge({ name: 'sensorium_requests_under_way', help: 'Requests that are not over', registers });
  modelFigures(registry, models);
  if (ofProcess) collectDefaultMetrics({ register: registry });

  return {
    began: () => underWay.inc(),
    firstToken: (model, time) => first.observe({ model }, time),
    nextToken: (model, time) => between.observe({ model }, time),
    ended({ route, method, status, ended, model, promptTokens, answerTokens, refused: code, seconds: time }) {
      underWay.dec();
      requests.inc({ route, method, status: String(status), ended });
      seconds.observe({ route }, time);
      if (code !== undefined) refused.inc({ code });
      if (model === undefined) return;
      if (promptTokens !== undefined) prompt.inc({ model }, promptTokens);
      if (answerTokens !== undefined) answer.inc({ model }, answerTokens);
    },
    failed: ({ route }) => failures.inc({ route }),
    read: async () => ({ text: await registry.metrics(), type: registry.contentType }),
    close: () => registry.clear(),
  };
}

/** Figures that are looked up when they are read. */
function modelFigures(registry: Registry, models: () => readonly ModelState[]): void {
  const gauge = (name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void => {
    const made: Gauge = new Gauge({
      name: `sensorium_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect: () => {
        // Models come and go.
        made.reset();
        collect(made);
      },
    });
  };
  gauge('running_answers', 'Answers that are being written', ['model'], (made) => {
    for (const { model, running } of models()) made.set({ model }, running);
  });
  gauge('waiting_answers', 'Answers that wait for their turn', ['model'], (made) => {
    for (const { model, waiting } of models()) made.set({ model }, waiting);
  });
  gauge('cache_lookups', 'Look-ups in caches since the start', ['model', 'cache', 'result'], (made) => {
    for (const { model, caches = {} } of models())
      for (const [cache, { hits, misses }] of Object.entries(caches)) {
        made.set({ model, cache, result: 'hit' }, hits);
        made.set({ model, cache, result: 'miss' }, misses);
      }
  });
  gauge('cache_bytes', 'Memory of caches', ['model', 'cache'], (made) => {
    for (const { model, caches = {} } of models())
      for (const [cache, { bytes }] of Object.entries(caches))
        if (bytes !== undefined) made.set({ model, cache }, bytes);
  });
}

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Application,
  APPLICATIONS,
  apply,
  applicationOf,
  LANGUAGES,
  readable,
  readAnswer,
  schemaOf,
} from '../../../src/applications/index.ts';
import { samplePath } from '../../../src/applications/node/index.ts';
import type { LanguageModel } from '../../../src/auto/index.ts';
import { load } from '../../../src/auto/node/index.ts';
import { readPicture } from '../../../src/data/node/index.ts';

let model: LanguageModel;
beforeAll(async () => {
  model = (await load('starter')) as LanguageModel;
});
afterAll(() => model.dispose());

const warned = APPLICATIONS.filter(({ warning }) => warning !== undefined);

describe.each(APPLICATIONS)('$id', (application) => {
  it('gets an answer of its form, within its tokens, from a model that knows nothing of it', async () => {
    const picture = await readPicture(samplePath(application));
    const { answer, notes } = await apply(
      model,
      application,
      { picture, text: application.sample.text.en, language: 'en' },
      { maxNewTokens: 400, temperature: 1, seed: 5 },
    );
    expect(readAnswer(application, JSON.stringify(answer), 'en')).toEqual(answer);
    expect(Object.keys(answer)).toEqual(Object.keys((schemaOf(application) as { properties: object }).properties));
    // The starter knows emoji alone, and that is said.
    expect(notes.at(-1)).toMatch(/was not trained for such tasks/);
  });

  it('says everything in both languages, and has a small sample', () => {
    const { title, description, system, prompt, input, warning, labels, sample } = application;
    for (const texts of [
      title,
      description,
      system,
      prompt,
      input,
      sample.text,
      ...Object.values(labels),
      ...(warning ? [warning] : []),
    ])
      for (const language of LANGUAGES) expect(texts[language]).not.toBe('');
    expect(readFileSync(samplePath(application)).length).toBeLessThan(20_000);
    const keys = keysOf(schemaOf(application)).filter((key) => key !== 'warning');
    expect(keys.filter((key) => labels[key] === undefined)).toEqual([]);
  });
});

describe('the warning', () => {
  it('is there for images of patients and for traffic', () => {
    expect(warned.map(({ id }) => id)).toEqual(['medical', 'driving']);
  });

  it.each(warned)('is the first thing that a model writes in $id', (application) => {
    const schema = schemaOf(application, 'zh') as {
      properties: Record<string, { const?: string }>;
      required: string[];
    };
    expect(Object.keys(schema.properties)[0]).toBe('warning');
    expect(schema.properties['warning']!.const).toBe(application.warning!.zh);
    expect(schema.required).toContain('warning');
  });

  it.each(warned)('is in every answer of $id, whatever the model wrote in its place', (application) => {
    const answer = sampleAnswer(application);
    for (const said of [undefined, '', 'All is well.', 7, application.warning!.zh]) {
      const read = readAnswer(application, JSON.stringify({ ...answer, warning: said }), 'en');
      expect(read['warning']).toBe(application.warning!.en);
      const text = readable(application, { application: application.id, language: 'en', answer: read, notes: [] });
      expect(text.startsWith(`⚠ ${application.warning!.en}\n`)).toBe(true);
    }
  });
});

describe('a draft of a report', () => {
  const medical = applicationOf('medical');
  const review = (seen: string): readonly string[] =>
    medical.review!({ observations: [{ region: 'left', seen, certainty: 'clear' }] }, 'en');

  it('is noted where it names an illness or a treatment', () => {
    expect(review('a bright area at the base of the left lung')).toEqual([]);
    for (const said of ['consistent with pneumonia', 'the diagnosis is clear', 'prescribe antibiotics', '考虑为肺炎'])
      expect(review(said)).not.toEqual([]);
  });

  it('has no place for a diagnosis', () => {
    expect(keysOf(schemaOf(medical)).filter((key) => /diagnos|treat|impression|therap/.test(key))).toEqual([]);
  });
});

describe('answers that do not have the form', () => {
  const support = applicationOf('support');
  it.each([
    ['cut off', '{"summary":"a b', /is no whole JSON/],
    ['a list', '[1]', /does not have the form of support/],
    [
      'a text too long',
      JSON.stringify({ ...sampleAnswer(support), summary: 'x'.repeat(201) }),
      /summary: has more than 200/,
    ],
    ['a key too many', JSON.stringify({ ...sampleAnswer(support), more: 1 }), /does not have the form/],
  ])('%s', (_, text, message) => {
    expect(() => readAnswer(support, text, 'en')).toThrow(message);
  });

  it('counts letters, not halves of pairs', () => {
    const answer = { ...sampleAnswer(support), summary: '😀'.repeat(200) };
    expect(readAnswer(support, JSON.stringify(answer), 'en')['summary']).toBe(answer.summary);
  });
});

it('refuses what there is not, and what there is no room for', async () => {
  expect(() => applicationOf('poetry')).toThrow(/there are support, education, medical, design, driving/);
  const application = applicationOf('design');
  const picture = await readPicture(samplePath(application));
  await expect(apply(model, application, { picture, language: 'en' }, { maxNewTokens: 20 })).rejects.toThrow(
    /takes \d+ tokens at least, and there is room for 20/,
  );
});

interface Schema {
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** A plain answer of an application's form. */
function sampleAnswer(application: Application): Record<string, unknown> {
  return valueOf(schemaOf(application, 'en')) as Record<string, unknown>;
}

function valueOf({ const: constant, enum: choices, type, properties, items }: Schema): unknown {
  if (constant !== undefined) return constant;
  if (choices !== undefined) return choices[0];
  if (type === 'object')
    return Object.fromEntries(Object.entries(properties!).map(([key, value]) => [key, valueOf(value)]));
  if (type === 'array') return [valueOf(items!), valueOf(items!)];
  return type === 'boolean' ? true : '#12ab9f';
}

function keysOf(schema: unknown): string[] {
  const { properties = {}, items } = schema as Schema;
  return [
    ...Object.entries(properties).flatMap(([key, value]) => [key, ...keysOf(value)]),
    ...(items === undefined ? [] : keysOf(items)),
  ];
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { APPLICATIONS, promptOf, readAnswer } from '../../../src/applications/index.ts';
import { samplePath } from '../../../src/applications/node/index.ts';
import { openSampleSource } from '../../../src/data/node/index.ts';
import { textOf } from '../../../src/data/index.ts';
import { readAnyRecipe } from '../../../src/recipe/node/index.ts';

const folder = new URL('../../../recipes/applications/', import.meta.url).pathname;

it('has a recipe for each application, and no other', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  expect(names.toSorted()).toEqual(APPLICATIONS.map(({ id }) => `${id}.yaml`).toSorted());
});

describe.each(APPLICATIONS)('$id', (application) => {
  const { id, sample, system, warning } = application;

  it('is adapted to by an adapter, from a file of labelled pictures', async () => {
    const { kind, recipe } = await readAnyRecipe(join(folder, `${id}.yaml`));
    if (kind !== 'image-text') throw new Error('a recipe of another kind');
    expect(recipe.model.lora).toMatchObject({ rank: 16 });
    expect(recipe.data.sources).toEqual([
      { kind: 'files', weight: 1, retain: false, augment: false, path: `recipes/applications/samples/${id}.jsonl` },
    ]);
  });

  it('has a sample that is asked as the application asks, and answered in its form', async () => {
    const source = await openSampleSource({ path: join(folder, 'samples', `${id}.jsonl`) });
    try {
      expect(source.length).toBe(1);
      const { conversations, pictures } = await source.sample(0, { seed: 0, epoch: 0 });
      const [told, asked, answered] = conversations[0]!;
      expect(textOf(told!.content)).toBe(system.en);
      expect(textOf(asked!.content)).toBe(promptOf(application, 'en', sample.text.en));
      const text = textOf(answered!.content);
      expect(readAnswer(application, text, 'en')).toEqual(JSON.parse(text));
      expect(Object.keys(JSON.parse(text) as object)[0] === 'warning').toBe(warning !== undefined);
      const { width, height } = await pictures[0]!.open();
      expect([width, height]).toEqual([448, 336]);
      expect(readFileSync(samplePath(application)).subarray(1, 4).toString()).toBe('PNG');
    } finally {
      await source.close?.();
    }
  });
});

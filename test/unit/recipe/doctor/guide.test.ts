import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRecipe, tuningRecipe } from '../../../../src/recipe/index.ts';

const GUIDE = readFileSync(new URL('../../../../docs/training.md', import.meta.url), 'utf8');

describe('docs/training.md', () => {
  it('has a recipe that is one', () => {
    const [, text] = /```yaml\n([\s\S]*?)```/.exec(GUIDE)!;
    const recipe = parseRecipe(tuningRecipe, text!, 'docs/training.md');
    expect(recipe.model.lora).toMatchObject({ rank: 16 });
    expect(recipe.data.learned).toBe(512);
  });

  it('names every check of the doctor', () => {
    const folder = new URL('../../../../src/recipe/doctor/', import.meta.url);
    const names = new Set<string>();
    for (const file of readdirSync(folder).filter((name) => name.endsWith('-checks.ts'))) {
      const source = readFileSync(new URL(file, folder), 'utf8');
      for (const [, name] of source.matchAll(/check: '([a-z-]+)'/g)) names.add(name!);
      for (const [, name] of source.matchAll(/find\(\s*'(?:error|warning|note)',\s*'([a-z-]+)'/g)) names.add(name!);
      for (const [, name] of source.matchAll(/find\(\s*'([a-z-]+)',\s*(?:'|turn)/g))
        if (!['error', 'warning', 'note'].includes(name!)) names.add(name!);
    }
    expect(names.size).toBeGreaterThan(15);
    expect([...names].filter((name) => !GUIDE.includes(`\`${name}\``))).toEqual([]);
  });
});

import { expect, it } from 'vitest';
import { METHODS } from '../../../playground/src/api/types.ts';
import { EXPLANATION_METHODS } from '../../../src/explain/index.ts';

it('offers every method that answers can be explained by', () => {
  expect([...METHODS].sort()).toEqual([...EXPLANATION_METHODS].sort());
});

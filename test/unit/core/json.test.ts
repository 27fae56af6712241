import { expect, it } from 'vitest';
import { scanJson } from '../../../src/core/json.ts';

it('finds a key that stands twice in one object, and only there', () => {
  expect(scanJson('{"a":{"a":1},"b":[{"a":1},{"a":2}]}', 9).duplicateKey).toBeUndefined();
  expect(scanJson('{"a":1,"b":{"c":1,"c" :2}}', 9).duplicateKey).toBe('c');
  expect(scanJson(String.raw`{"\"":1,"\u0022":2}`, 9).duplicateKey).toBe('"');
  expect(scanJson('{"a":"a","b":"a"}', 9).duplicateKey).toBeUndefined();
  expect(scanJson(String.raw`{"a":"\\","a":1}`, 9).duplicateKey).toBe('a');
});

it('measures nesting and stops where it is told', () => {
  expect(scanJson('{"a":[[1]]}', 9).depth).toBe(3);
  expect(scanJson('"[[["', 9).depth).toBe(0);
  expect(scanJson('['.repeat(1_000_000), 5).depth).toBe(6);
});

it('counts values and stops where it is told', () => {
  expect(scanJson('{"a":[1,2,3],"b":"x,y,[z]"}', 9).values).toBe(6);
  expect(scanJson('3', 9).values).toBe(1);
  expect(scanJson(`[${'1,'.repeat(1_000_000)}1]`, 9, 1000).values).toBe(1001);
  expect(scanJson(`[${'{},'.repeat(1_000_000)}{}]`, 9, 1000).values).toBe(1001);
});

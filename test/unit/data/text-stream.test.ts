import { describe, expect, it } from 'vitest';
import { TextStream } from '../../../src/data/index.ts';

/** A decoder of bytes: each token is one. */
const bytes = (ids: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(ids));

describe('TextStream', () => {
  it('gives whole characters only', () => {
    const stream = new TextStream(bytes);
    const text = 'aé猫😀!';
    const pieces = [...new TextEncoder().encode(text)].map((byte) => stream.push(byte));
    expect(pieces).toEqual(['a', '', 'é', '', '', '猫', '', '', '', '😀', '!']);
    expect(stream.end()).toBe('');
  });

  it('gives what is broken in the end, and does not wait for ever', () => {
    const stream = new TextStream(bytes);
    expect(stream.push(0xf0)).toBe('');
    expect(stream.end()).toBe('\uFFFD');
    const endless = new TextStream(bytes);
    const given = Array.from({ length: 40 }, () => endless.push(0x80)).join('');
    expect(given).toContain('\uFFFD');
  });

  it('keeps the spaces that words have between them and not at the start', () => {
    const words = ['', '▁a', '▁cat', 's', '▁sat'];
    const decode = (ids: readonly number[]): string =>
      ids
        .map((id) => words[id])
        .join('')
        .replaceAll('▁', ' ')
        .replace(/^ /, '');
    const stream = new TextStream(decode);
    expect([1, 2, 3, 4].map((id) => stream.push(id)).join('')).toBe('a cats sat');
  });
});

import { describe, expect, it } from 'vitest';
import { displayWidth, fitWidth, plainText } from '../../../src/core/text-width.ts';

describe('displayWidth', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['训练', 4],
    ['红苹果 red', 10],
    ['é', 1],
    ['e\u0301', 1],
    ['👩‍🚀', 2],
    ['❤️', 2],
    ['█▌░', 3],
    ['한국어', 6],
    ['カナ', 4],
    ['\uff08全角\uff09', 8],
    ['\u200b', 0],
  ])('%j takes %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe('fitWidth', () => {
  it('leaves short text alone', () => expect(fitWidth('训练', 4)).toBe('训练'));
  it('never cuts a wide character in half', () => {
    expect(fitWidth('训练模型', 4)).toBe('训…');
    expect(fitWidth('训练模型', 5)).toBe('训练…');
    expect(displayWidth(fitWidth('训练模型', 4))).toBeLessThanOrEqual(4);
  });
  it('knows very narrow places', () => {
    expect(fitWidth('abc', 1)).toBe('…');
    expect(fitWidth('abc', 0)).toBe('');
  });
});

describe('plainText', () => {
  it('takes out what could command a terminal', () => {
    expect(plainText('a\u001B[2Jb\u001B]0;title\u0007c')).toBe('abc');
    expect(plainText('a\tb\r\u0007')).toBe('a b  ');
    expect(plainText('abc\u202Edcba')).toBe('abcdcba');
    expect(plainText('\u001B')).toBe(' ');
  });
  it('keeps joined emoji whole', () => expect(plainText('👩‍🚀')).toBe('👩‍🚀'));
});

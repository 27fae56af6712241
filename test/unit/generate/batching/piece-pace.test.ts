import { expect, it } from 'vitest';
import { PiecePace } from '../../../../src/generate/batching/piece-pace.ts';

/** Reads pieces of the size that is asked for until it no longer changes. @param time milliseconds of a piece */
function settled(pace: PiecePace, time: (tokens: number) => number): number {
  let size = 0;
  for (let i = 0; i < 100; i++) {
    size = pace.size(false);
    pace.sawPiece(size, time(size));
  }
  return size;
}

it('pieces are as long as take no longer than a step', () => {
  const pace = new PiecePace();
  // Nobody waits.
  expect(pace.size(true)).toBe(512);
  pace.sawStep(10);
  expect(settled(pace, (tokens) => 1 + tokens * 0.1)).toBe(64);
  // More rows: a step takes longer, and so may a piece.
  for (let i = 0; i < 50; i++) pace.sawStep(40);
  expect(settled(pace, (tokens) => 1 + tokens * 0.1)).toBe(256);
  for (let i = 0; i < 50; i++) pace.sawStep(1);
  expect(settled(pace, (tokens) => 1 + tokens * 0.1)).toBe(16);
});

it('the short end of a prompt says nothing of whole pieces', () => {
  const pace = new PiecePace();
  pace.sawStep(10);
  for (let i = 0; i < 50; i++) pace.sawPiece(7, 100);
  expect(settled(pace, (tokens) => tokens * 0.1)).toBe(64);
});

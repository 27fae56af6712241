import { expect, it } from 'vitest';
import { PiecePace } from '../../../../src/generate/batching/piece-pace.ts';

/** Reads as much as may be read between two steps, many times. @param time milliseconds of a piece */
function settled(pace: PiecePace, time: (tokens: number) => number, coming = 1, writing = 8): number {
  let size = 0;
  for (let i = 0; i < 100; i++) {
    size = pace.size(pace.budget(coming, writing));
    pace.sawPiece(size, time(size));
    // A prompt rarely ends with a whole piece.
    pace.sawPiece(7, time(7));
  }
  return size;
}

/** Milliseconds of a piece of that many tokens. */
const quick = (tokens: number): number => 1 + tokens * 0.1;

it('pieces take at most one and a half steps', () => {
  const pace = new PiecePace();
  expect(pace.size(pace.budget(1, 0))).toBe(512);
  pace.sawStep(10);
  // 1 + 0.1 n ≤ 15
  expect(settled(pace, quick)).toBe(128);
  // More rows: a step takes longer, and so may a piece.
  for (let i = 0; i < 50; i++) pace.sawStep(40);
  expect(settled(pace, quick)).toBe(512);
  for (let i = 0; i < 50; i++) pace.sawStep(1);
  expect(settled(pace, quick)).toBe(16);
});

it('answers wait longer where more requests come than are answered', () => {
  const pace = new PiecePace();
  pace.sawStep(10);
  expect(pace.budget(1, 15)).toBe(15);
  expect(pace.budget(12, 4)).toBe(60);
  expect(pace.budget(15, 1)).toBe(80);
});

it('one piece is read before it is known what a step takes', () => {
  const pace = new PiecePace();
  expect(pace.size(pace.budget(15, 1))).toBe(32);
  pace.sawPiece(32, 0);
  expect(pace.isOver(pace.budget(15, 1))).toBe(true);
  expect(pace.size(0)).toBe(16);
});

it('what a piece costs by itself is told from its tokens', () => {
  const pace = new PiecePace();
  pace.sawStep(10);
  settled(pace, (tokens) => 8 + tokens * 0.01);
  expect(pace.isOver(8.1)).toBe(true);
  expect(pace.isOver(8.2)).toBe(false);
});

it('pieces of one length are taken to cost by the token', () => {
  const pace = new PiecePace();
  for (let i = 0; i < 10; i++) pace.sawPiece(32, 8);
  expect(pace.size(17)).toBe(64);
  expect(pace.isOver(3.9)).toBe(true);
});

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

const COLOURS = { red: [255, 0, 0], green: [0, 255, 0], blue: [0, 0, 255], black: [0, 0, 0] } as const;
const PICTURES = { train: 32, test: 8 } as const;

/** A data set in easy-VQA's layout that is small enough for a run of some seconds: rectangles in four colours. */
export async function writeTinyVqa(folder: string): Promise<void> {
  const names = Object.keys(COLOURS) as (keyof typeof COLOURS)[];
  for (const [split, count] of Object.entries(PICTURES)) {
    await mkdir(join(folder, split, 'images'), { recursive: true });
    const questions: [string, string, number][] = [];
    for (let image = 0; image < count; image++) {
      const colour = names[image % names.length]!;
      const pixels = Buffer.alloc(64 * 64 * 3, 255);
      for (let y = 10 + (image % 9); y < 40; y++) {
        for (let x = 8 + (image % 13); x < 44; x++) pixels.set(COLOURS[colour], (y * 64 + x) * 3);
      }
      await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } })
        .png()
        .toFile(join(folder, split, 'images', `${image}.png`));
      questions.push(['what color is the shape?', colour, image], ['what shape is in the image?', 'rectangle', image]);
      for (const asked of names) questions.push([`is there a ${asked} shape?`, asked === colour ? 'yes' : 'no', image]);
    }
    await writeFile(join(folder, split, 'questions.json'), JSON.stringify(questions));
  }
}

/** A recipe for it: every part of a run, checkpoints every few steps. */
export const TINY_RECIPE = `model:
  type: fusion
  vision: { kind: convnet, imageSize: 64, channels: [8], blocks: [1], stem: 8 }
  text: { vocabularySize: 80, maxLength: 12, width: 16, layers: 1, heads: 2, dropout: 0.1 }
  fusion: { hidden: 16, heads: 2 }
data: { kind: easy-vqa, augment: true, heldOut: 4 }
optimizer: { kind: adamw, lr: 0.003, weightDecay: 0.05 }
schedule: { warmup: 5 }
train: { steps: 120, batch: 8, accumulate: 2, ema: 0.9, seed: 3, checkpointEvery: 4, evaluateEvery: 30, threads: 1 }
output: run
`;

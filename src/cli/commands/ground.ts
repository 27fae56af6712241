import process from 'node:process';
import type { Command } from 'commander';
import { DataError } from '../../core/index.ts';
import { loadModel, openPictures } from '../model/load.ts';
import {
  addGenerationOptions,
  addModelOptions,
  type GenerationFlags,
  generationOptions,
  type ModelOptions,
} from '../model/options.ts';
import { printable } from '../report-error.ts';
import { checkPngTarget } from '../target.ts';

interface GroundOptions extends ModelOptions, GenerationFlags {
  readonly image: string;
  readonly phrase: string;
  readonly out?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  sensorium ground --model Qwen/Qwen2.5-VL-3B-Instruct --dtype int4 --image table.jpg --phrase "the red cup" --out boxes.png
`;

/** `sensorium ground`. */
export function registerGround(program: Command): void {
  const command = program.command('ground').description('point at what a phrase describes');
  addGenerationOptions(addModelOptions(command))
    .requiredOption('-i, --image <source>', 'a picture by path, address or data URL')
    .requiredOption('-p, --phrase <text>', 'what to point at, such as "the red cup"')
    .option('--out <file.png>', 'draw the boxes on the picture')
    .option('--json', 'print the boxes as JSON, in pixels from the upper left corner')
    .addHelpText('after', EXAMPLES)
    .action(groundAction);
}

async function groundAction(options: GroundOptions): Promise<void> {
  if (options.phrase.trim() === '') throw new DataError('the phrase is empty', 'give --phrase "…"');
  if (options.out !== undefined) await checkPngTarget('--out', options.out);
  const [picture] = await openPictures([options.image]);
  const { ground } = await import('../../tasks/index.ts');
  const model = await loadModel(options);
  try {
    const { boxes, refused, cut, answer } = await ground(model, picture!, options.phrase, generationOptions(options));
    if (options.out !== undefined) {
      const { drawBoxes } = await import('../../tasks/node/index.ts');
      const { writePng } = await import('../../explain/node/index.ts');
      await writePng(options.out, await drawBoxes(picture!, boxes));
    }
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ boxes, refused, cut, text: answer.text })}\n`);
      return;
    }
    const lines = boxes.map(({ left, top, right, bottom, label }) => {
      const sides = [left, top, right, bottom].map((side) => String(Math.round(side)).padStart(5)).join(' ');
      return `${sides}  ${label}`;
    });
    if (boxes.length > 0) lines.unshift(' left   top right bottom');
    else lines.push('no box: the model found nothing, or answered otherwise (--json shows its words)');
    if (refused > 0) lines.push(`${refused} more could not be read`);
    if (cut) lines.push('the answer was cut off; a larger --max-tokens gives it room');
    if (options.out !== undefined) lines.push(`wrote ${options.out}`);
    process.stdout.write(`${printable(lines.join('\n'))}\n`);
  } finally {
    await model.dispose();
  }
}

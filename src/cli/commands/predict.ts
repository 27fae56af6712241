import { open, stat } from 'node:fs/promises';
import process from 'node:process';
import type { Command } from 'commander';
import { DataError } from '../../core/index.ts';
import { decodeUtf8, MAX_TEXT_LENGTH, padToSquare, requireText } from '../../data/index.ts';
import type { Prediction } from '../../tasks/index.ts';
import { printable } from '../report-error.ts';
import { checkPngTarget } from '../target.ts';

interface PredictOptions {
  readonly model: string;
  readonly image: string;
  readonly text?: string;
  readonly textFile?: string;
  readonly heatmap?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  sensorium predict --model runs/emoji-statements-quick/model --image cat.png --text "This is a cat."
  sensorium predict --model runs/emoji-statements-quick/model --image cat.png --text "这是一只猫。" --heatmap looked.png

The model folder is what \`sensorium train\` writes: config.json, model.safetensors, tokenizer.json and
preprocessor_config.json. Pictures may be JPEG, PNG, WebP, GIF, AVIF, TIFF or SVG.
`;

/** `sensorium predict`. */
export function registerPredict(program: Command): void {
  program
    .command('predict')
    .description('ask a trained model about a picture and a text')
    .requiredOption('-m, --model <dir>', 'folder of a trained model')
    .requiredOption('-i, --image <file>', 'the picture')
    .option('-t, --text <text>', 'the text, e.g. a statement about the picture')
    .option('--text-file <file>', 'read the text from a UTF-8 file instead')
    .option('--heatmap <out.png>', 'draw where each word looked, one panel a word')
    .option('--json', 'print the answer as JSON, with the attention maps')
    .addHelpText('after', EXAMPLES)
    .action(predictAction);
}

async function predictAction(options: PredictOptions): Promise<void> {
  const text = await readText(options);
  if (options.heatmap !== undefined) await checkPngTarget('--heatmap', options.heatmap);
  const { FusionPredictor } = await import('../../tasks/node/index.ts');
  const predictor = await FusionPredictor.open(options.model);
  try {
    const { readPicture } = await import('../../data/node/index.ts');
    const picture = await readPicture(options.image);
    const prediction = await predictor.predict(picture, text);
    if (prediction.truncated) {
      process.stderr.write(
        `note: the text is longer than ${predictor.processor.textLength} tokens; the model read its beginning only\n`,
      );
    }
    if (options.heatmap !== undefined) {
      const { attentionSheet, writePng } = await import('../../explain/node/index.ts');
      await writePng(options.heatmap, await attentionSheet(padToSquare(picture), prediction.attention));
    }
    process.stdout.write(
      options.json === true ? asJson(prediction) : asText(prediction, predictor.processor.threshold, options.heatmap),
    );
  } finally {
    await predictor.dispose();
  }
}

async function readText({ text, textFile }: PredictOptions): Promise<string> {
  if ((text === undefined) === (textFile === undefined)) {
    throw new DataError(
      text === undefined ? 'there is no text' : 'there are two texts',
      'give either --text "…" or --text-file FILE',
    );
  }
  if (text !== undefined) {
    // What the shell hands over is decoded before we see it; bytes that are not UTF-8 arrive as this character.
    if (text.includes('\uFFFD'))
      throw new DataError('--text is not valid UTF-8 text', 'use a UTF-8 terminal, or --text-file FILE');
    return requireText(text, '--text');
  }
  return requireText(decodeUtf8(await readSmallFile(textFile!), textFile!).replace(/^\uFEFF/, ''), textFile!);
}

/** A text file that cannot fill the memory: one byte more than allowed is enough to refuse it. */
async function readSmallFile(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(`${path} cannot be read`, 'check the path', { cause });
  });
  if (!found.isFile()) throw new DataError(`${path} is not a file`, 'name a text file');
  const most = 4 * MAX_TEXT_LENGTH;
  if (found.size > most)
    throw new DataError(`${path} has ${found.size} bytes, more than ${most}`, 'give a sentence or two');
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new DataError(`${path} cannot be read`, 'check its permissions', { cause });
  });
  try {
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}

function asJson(prediction: Prediction): string {
  return `${JSON.stringify({
    ...prediction,
    attention: prediction.attention.map((map) => ({
      ...map,
      values: [...map.values].map((value) => Number(value.toPrecision(5))),
    })),
  })}\n`;
}

/** More classes than this are not all listed. */
const SHOWN = 10;

function asText(prediction: Prediction, threshold: number | undefined, heatmap: string | undefined): string {
  const sorted = Object.entries(prediction.probabilities).sort(([, a], [, b]) => b - a);
  const width = Math.max(...sorted.slice(0, SHOWN).map(([name]) => name.length));
  const lines = [prediction.label, ''];
  for (const [name, probability] of sorted.slice(0, SHOWN)) {
    lines.push(
      `  ${name.padEnd(width)}  ${(probability * 100).toFixed(1).padStart(5)} %  ${'█'.repeat(Math.round(probability * 30))}`,
    );
  }
  if (sorted.length > SHOWN) lines.push(`  … and ${sorted.length - SHOWN} more`);
  if (sorted.length === 2 && threshold !== undefined && prediction.label !== sorted[0]![0]) {
    const second = Object.keys(prediction.probabilities)[1]!;
    const least = (100 / (1 + Math.exp(-threshold))).toFixed(1);
    lines.push('', `  ${second} is answered from ${least} % on: a threshold that was fixed on validation data`);
  }
  if (heatmap !== undefined) lines.push('', `wrote ${heatmap}: the picture, then where each word looked`);
  return `${printable(lines.join('\n'))}\n`;
}

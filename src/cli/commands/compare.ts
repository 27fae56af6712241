/** `sensorium classify`, `embed` and `match`: pictures held against texts. */
import process from 'node:process';
import type { Command } from 'commander';
import { collect } from '../arguments.ts';
import { loadModel, openPictures } from '../model/load.ts';
import { addModelOptions, type ModelOptions } from '../model/options.ts';
import { printable } from '../report-error.ts';

interface CompareOptions extends ModelOptions {
  readonly image?: readonly string[];
  readonly text?: readonly string[];
  readonly json?: boolean;
}

interface ClassifyOptions extends CompareOptions {
  readonly label: readonly string[];
  readonly sentence?: string;
}

const CLASSIFY_EXAMPLES = `
Examples:
  sensorium classify --model openai/clip-vit-base-patch32 --image pet.png --label "a cat" --label "a dog"
  sensorium classify --model google/siglip2-base-patch16-224 --image pet.png --label cat --label dog --sentence "This is a {}."
`;

const EMBED_EXAMPLES = `
Examples:
  sensorium embed --model openai/clip-vit-base-patch32 --image a.png --text "a cat" --json > vectors.json
`;

const MATCH_EXAMPLES = `
Examples:
  sensorium match --model Salesforce/blip-itm-base-coco --image cup.png --text "a cup of coffee"
`;

/** The three commands. */
export function registerCompare(program: Command): void {
  addModelOptions(program.command('classify').description('which of some labels fits a picture, without training'))
    .requiredOption('-i, --image <source>', 'a picture by path, address or data URL; may be repeated', collect)
    .requiredOption('-l, --label <text>', 'a label; repeat it for each', collect)
    .option('--sentence <text>', 'what the labels are put into, in the place of {}')
    .option('--json', 'print JSON, one line for each picture')
    .addHelpText('after', CLASSIFY_EXAMPLES)
    .action(classifyAction);
  addModelOptions(program.command('embed').description('pictures and texts as vectors of one space'))
    .option('-i, --image <source>', 'a picture by path, address or data URL; may be repeated', collect)
    .option('-t, --text <text>', 'a text; may be repeated', collect)
    .option('--json', 'print JSON, one line for each vector; otherwise all cosines are shown')
    .addHelpText('after', EMBED_EXAMPLES)
    .action(embedAction);
  addModelOptions(program.command('match').description('how well a text fits a picture'))
    .requiredOption('-i, --image <source>', 'a picture by path, address or data URL; may be repeated', collect)
    .requiredOption('-t, --text <text>', 'a text; may be repeated', collect)
    .option('--json', 'print JSON, one line for each pair')
    .addHelpText('after', MATCH_EXAMPLES)
    .action(matchAction);
}

const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`;
const print = (text: string): void => void process.stdout.write(`${printable(text)}\n`);

async function classifyAction(options: ClassifyOptions): Promise<void> {
  const sources = options.image!;
  const pictures = await openPictures(sources);
  const { classify } = await import('../../tasks/index.ts');
  const model = await loadModel(options);
  try {
    const { sentence } = options;
    for (const [i, picture] of pictures.entries()) {
      const labels = await classify(model, picture, options.label, sentence === undefined ? {} : { sentence });
      if (options.json === true) print(JSON.stringify({ image: sources[i], labels }));
      else {
        if (pictures.length > 1) print(`${sources[i]}`);
        const width = Math.max(...labels.map(({ label }) => label.length));
        for (const { label, probability } of labels)
          print(`${label.padEnd(width)}  ${percent(probability)}  ${'█'.repeat(Math.round(probability * 30))}`);
      }
    }
  } finally {
    await model.dispose();
  }
}

async function embedAction(options: CompareOptions): Promise<void> {
  const pictures = await openPictures(options.image);
  const { embed } = await import('../../tasks/index.ts');
  const model = await loadModel(options);
  try {
    const texts = options.text ?? [];
    const vectors = await embed(model, { pictures, texts });
    const rows = [
      ...vectors.pictures.map((vector, i) => ({ of: { image: options.image![i]! }, name: options.image![i]!, vector })),
      ...vectors.texts.map((vector, i) => ({ of: { text: texts[i]! }, name: texts[i]!, vector })),
    ];
    if (options.json === true) {
      for (const { of, vector } of rows) print(JSON.stringify({ ...of, vector: [...vector] }));
      return;
    }
    print(`${rows.length} vectors of ${rows[0]!.vector.length} numbers; their cosines (--json prints the vectors):`);
    for (const { name, vector } of rows)
      print(`${rows.map((other) => cosine(vector, other.vector).toFixed(3).padStart(6)).join(' ')}  ${name}`);
  } finally {
    await model.dispose();
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

async function matchAction(options: CompareOptions): Promise<void> {
  const pictures = await openPictures(options.image);
  const { match } = await import('../../tasks/index.ts');
  const model = await loadModel(options);
  try {
    for (const [i, picture] of pictures.entries()) {
      for (const text of options.text!) {
        const { probability, cosine: similarity } = await match(model, picture, text);
        const pair = { image: options.image![i], text, probability, cosine: similarity };
        if (options.json === true) print(JSON.stringify(pair));
        else {
          const shown = probability === undefined ? '' : `${percent(probability)}  `;
          print(`${shown}cosine ${similarity.toFixed(3)}  ${pair.image}  ${text}`);
        }
      }
    }
  } finally {
    await model.dispose();
  }
}

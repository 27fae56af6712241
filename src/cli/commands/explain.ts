import process from 'node:process';
import type { Command } from 'commander';
import type { LanguageModel, LoadedModel, Message } from '../../auto/index.ts';
import { DataError } from '../../core/index.ts';
import { onBackground, type Picture } from '../../data/index.ts';
import type { Explanation, ExplanationMethod } from '../../explain/index.ts';
import { collect, whole } from '../arguments.ts';
import { loadModel, openPictures } from '../model/load.ts';
import { addModelOptions, type ModelOptions } from '../model/options.ts';
import { printable } from '../report-error.ts';
import { checkPngTarget } from '../target.ts';

interface ExplainFlags extends ModelOptions {
  readonly image: readonly string[];
  readonly question: string;
  readonly answer?: string;
  readonly against?: readonly string[];
  readonly method?: ExplanationMethod;
  readonly picture?: number;
  readonly faithfulness?: boolean;
  readonly maxTokens?: number;
  readonly out?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  sensorium explain --image cup.png --question "What is this?" --out looked.png
  sensorium explain --image cups.png --question "Describe the picture." --method attention --faithfulness
  sensorium explain --image cups.png --question "What is this?" --answer "a teacup" --method occlusion --json
  sensorium explain --model openai/clip-vit-base-patch32 --image cups.png --question "a cup" --against "a plate" --out cup.png

Methods, from quick to slow: attention, looking, rollout, grad-cam, relevance, input-gradient, occlusion,
integrated-gradients.
What they tell, and which to believe: docs/explaining.md.
`;

/** `sensorium explain`. */
export function registerExplain(program: Command): void {
  const command = program.command('explain').description('show which parts of a picture an answer rests on');
  addModelOptions(command)
    .requiredOption('-i, --image <source>', 'a picture by path, address or data URL; may be repeated', collect)
    .requiredOption(
      '-q, --question <text>',
      'what is asked about it; for CLIP and SigLIP, the text that it is held against',
    )
    .option('-a, --answer <text>', 'explain this answer; unless told, the one that the model gives')
    .option('--against <text>', 'for CLIP: another text, as probabilities are among several; may be repeated', collect)
    .option('--method <name>', 'how it is found out, see below; the one that suits the model unless told')
    .option('--picture <n>', 'which of several pictures is explained, from 1; the last one unless told', whole(1))
    .option('--faithfulness', 'measure how far the map tells what the model used')
    .option('--max-tokens <n>', 'most tokens of an answer', whole(1))
    .option('--out <file.png>', 'draw the picture with the map of the whole answer and of each token')
    .option('--json', 'print the explanation as JSON, with all maps')
    .addHelpText('after', EXAMPLES)
    .action(explainAction);
}

async function explainAction(options: ExplainFlags): Promise<void> {
  const { question, answer, against, method, out, json = false, maxTokens, faithfulness = false } = options;
  if (question.trim() === '') throw new DataError('the question is empty', 'give --question "…"');
  if (out !== undefined) await checkPngTarget('--out', out);
  const pictures = await openPictures(options.image);
  const number = options.picture ?? pictures.length;
  const shown = pictures[number - 1];
  if (shown === undefined)
    throw new DataError(`there are ${pictures.length} pictures, and none is number ${number}`, 'correct --picture');
  // Only now, since it takes time.
  const { explain } = await import('../../explain/index.ts');
  const { questionParts } = await import('../../tasks/index.ts');
  const model = await loadModel(options);
  try {
    if (against !== undefined && model.kind !== 'pair')
      throw new DataError(`${model.name} compares no texts`, 'leave --against out, or use CLIP');
    const asked: Message = { role: 'user', content: questionParts(question, pictures) };
    const limits = maxTokens === undefined ? {} : { maxTokens };
    const explanation =
      model.kind === 'language'
        ? await explain(model, answer === undefined ? [asked] : [asked, { role: 'assistant', content: answer }], {
            faithfulness,
            picture: number - 1,
            ...(method === undefined ? {} : { method }),
            ...limits,
          })
        : await explainOther(model, shown, options);
    if (out !== undefined) await draw(out, shown, explanation);
    process.stdout.write(printable(json ? `${JSON.stringify(explanation)}\n` : told(explanation, out)));
  } finally {
    await model.dispose();
  }
}

/** BLIP, CLIP and SigLIP, which are explained by relevance alone. */
async function explainOther(
  model: Exclude<LoadedModel, LanguageModel>,
  picture: Picture,
  { question, answer, against = [], method, maxTokens, faithfulness = false }: ExplainFlags,
): Promise<Explanation> {
  if ((method ?? 'relevance') !== 'relevance' || faithfulness)
    throw new DataError(`${model.name} is explained by relevance alone`, 'leave --method and --faithfulness out');
  const { explainBlip, explainPair } = await import('../../explain/index.ts');
  if (model.kind === 'pair') {
    if (answer !== undefined)
      throw new DataError(`${model.name} gives no answers, but compares texts`, 'give the text as --question');
    return explainPair(model, picture, question, against);
  }
  return explainBlip(model, picture, question, {
    ...(answer === undefined ? {} : { answer }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
  });
}

async function draw(out: string, picture: Picture, { grid, overall, tokens }: Explanation): Promise<void> {
  const { attentionSheet, writePng } = await import('../../explain/node/index.ts');
  const panels = tokens
    .filter(({ text }) => text.trim() !== '')
    .map(({ text, map }) => ({ word: text.trim(), ...grid, values: map }));
  const whole = { word: 'the whole answer', ...grid, values: overall };
  await writePng(out, await attentionSheet(onBackground(picture), [whole, ...panels]));
}

/** The explanation in words: where each token's map is greatest. */
function told(explanation: Explanation, out: string | undefined): string {
  const { answer, grid, tokens, trace = [], faithfulness } = explanation;
  const lines = [answer, '', 'token                      probability   looks most at'];
  for (const { text, logprob, map } of tokens) {
    const probability = Math.exp(logprob).toFixed(3);
    lines.push(`${JSON.stringify(text).padEnd(26)} ${probability.padStart(11)}   ${peak(map, grid)}`);
  }
  if (trace.length > 0)
    lines.push('', 'steps, and the box (left top right bottom, in parts of the sides) that each rests on');
  for (const { text, box } of trace) lines.push(`${box?.map((x) => x.toFixed(2)).join(' ') ?? '–'}  ${text}`);
  if (faithfulness !== undefined) {
    const { deletion, insertion } = faithfulness;
    lines.push(
      '',
      `faithfulness: area ${deletion.area.toFixed(3)} when what matters most is covered first (small is good),`,
      `              area ${insertion.area.toFixed(3)} when it is shown first (large is good)`,
    );
  }
  if (out !== undefined) lines.push('', `wrote ${out}`);
  return `${lines.join('\n')}\n`;
}

function peak(map: readonly number[], { rows, cols }: { readonly rows: number; readonly cols: number }): string {
  const most = Math.max(...map);
  if (!(most > 0)) return 'nothing';
  const cell = map.indexOf(most);
  const [row, col] = [Math.floor(cell / cols), cell % cols];
  return `row ${row + 1} of ${rows}, column ${col + 1} of ${cols}: ${(100 * most).toFixed(0)} % of the weight`;
}

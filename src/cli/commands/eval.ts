/** `sensorium eval`: a suite of questions, and how much of it a model gets right. */
import process from 'node:process';
import { type Command, Option } from 'commander';
import { DataError } from '../../core/index.ts';
import { preparationReport, writeFileAtomic } from '../../core/node/index.ts';
import type { EvaluatedModel, PictureSuite, SuitePart, SuiteResult } from '../../eval/index.ts';
import { collect, number } from '../arguments.ts';
import { loadModel } from '../model/load.ts';
import { addModelOptions, type ModelOptions } from '../model/options.ts';
import { printable } from '../report-error.ts';
import { checkTarget } from '../target.ts';
import { openSuites, type OpenSuites, SUITE_NAMES, type SuiteFlags } from '../evaluation/suites.ts';

interface EvalOptions extends ModelOptions, SuiteFlags {
  readonly blindFloor?: string;
  readonly floor: boolean;
  readonly part?: readonly string[];
  readonly batch?: number;
  readonly json?: boolean;
  readonly out?: string;
  readonly answers?: string;
}

const EXAMPLES = `
Examples:
  sensorium eval --model runs/mine/model --suite emoji-scenes
  sensorium eval --model runs/mine/model --suite emoji-scenes --studio openmoji --count 500 --part questions --json
  sensorium eval --model HuggingFaceTB/SmolVLM-256M-Instruct --suite vqa-jsonl --data questions.jsonl --out report.html

emoji-scenes are pictures of drawings that are made as they are asked about, the same for the same seed. vqa-jsonl is a
file with one JSON object a line: image (a path, from the file's folder), question, and answer or answers.
`;

/** `sensorium eval`. */
export function registerEval(program: Command): void {
  addModelOptions(program.command('eval').description('ask a model a suite of questions, and count what is right'))
    .addOption(new Option('--suite <name>', 'which questions').choices(SUITE_NAMES).makeOptionMandatory())
    .addOption(
      new Option(
        '--studio <which>',
        'emoji-scenes: drawings of the unseen studio, or of those trained on; both unless told',
      ).choices(['openmoji', 'seen']),
    )
    .option('--data <file>', 'vqa-jsonl: the file of questions')
    .option('--count <n>', 'how many questions; all unless told', number)
    .option('--seed <n>', 'another seed makes other questions', number)
    .option('--names <n>', 'emoji-scenes: ask the names of that many concepts; of all unless told', number)
    .option('--brief', 'vqa-jsonl: ask for a word or two')
    .option(
      '--part <name>',
      'only this part: questions, phrases, names, steps, captions or pairs; may be repeated',
      collect,
    )
    .option('--blind-floor <folder>', 'a model that was trained without pictures, to be asked the same')
    .option('--no-floor', 'do not ask again with grey in the place of pictures')
    .option('--batch <n>', 'questions that are answered together; 64 unless told', number)
    .option('--json', 'print the figures as JSON')
    .option('--out <file.html>', 'write a report')
    .option('--answers <file.jsonl>', 'write every answer, one JSON object a line')
    .addHelpText('after', EXAMPLES)
    .action(evalAction);
}

async function evalAction(options: EvalOptions): Promise<void> {
  const { out, answers } = options;
  if (out !== undefined) await checkTarget('--out', out, /\.html?$/i, 'HTML', '.html');
  if (answers !== undefined) await checkTarget('--answers', answers, /\.jsonl$/i, 'JSON Lines', '.jsonl');
  const { batch } = options;
  if (batch !== undefined && !(Number.isInteger(batch) && batch >= 1 && batch <= 1024))
    throw new DataError(`--batch is ${batch}`, 'give a whole number from 1 to 1024');
  const parts = await partsOf(options.part);
  const { summarize } = await import('../../eval/index.ts');
  const suites = await openSuites(options);
  const started = performance.now();
  const { result, seen, grey } = await withModel(options, (model) => askAll(model, suites, options, parts));
  const floor = await floorOf(options, suites, parts, grey);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const summary = { ...summarize(result, { floor, seen, bars: suites.bars }), ...suites.about, seconds };
  if (answers !== undefined) await writeFileAtomic(answers, answerLines(result));
  if (out !== undefined) {
    const { evaluationPage } = await import('../evaluation/page.ts');
    await writeFileAtomic(out, await evaluationPage(summary, result, suites));
  }
  if (options.json === true) {
    process.stdout.write(printable(`${JSON.stringify(summary)}\n`));
    return;
  }
  const { summaryTable } = await import('../evaluation/table.ts');
  process.stdout.write(printable(summaryTable(summary)));
  if (out !== undefined) process.stdout.write(printable(`wrote ${out}\n`));
}

async function partsOf(given: readonly string[] | undefined): Promise<readonly SuitePart[] | undefined> {
  const { SUITE_PARTS } = await import('../../eval/index.ts');
  return given?.map((name) => {
    const part = SUITE_PARTS.find((each) => each === name);
    if (part === undefined) throw new DataError(`--part ${name} is no part`, `give one of ${SUITE_PARTS.join(', ')}`);
    return part;
  });
}

async function withModel<T>(options: ModelOptions, use: (model: EvaluatedModel) => Promise<T>): Promise<T> {
  const { evaluatedModel } = await import('../../eval/index.ts');
  const model = await loadModel(options);
  try {
    return await use(evaluatedModel(model));
  } finally {
    await model.dispose();
  }
}

interface Asked {
  readonly result: SuiteResult;
  readonly seen: SuiteResult | undefined;
  /** The same model with grey in the place of pictures. */
  readonly grey: SuiteResult | undefined;
}

async function askAll(
  model: EvaluatedModel,
  { main, seen }: OpenSuites,
  options: EvalOptions,
  parts: readonly SuitePart[] | undefined,
): Promise<Asked> {
  const result = await ask(model, main, options, parts, '');
  return {
    result,
    seen: seen === undefined ? undefined : await ask(model, seen, options, parts, 'seen: '),
    grey:
      options.floor && options.blindFloor === undefined && asksQuestions(main, parts)
        ? await ask(model, main, options, ['questions'], 'floor: ', true)
        : undefined,
  };
}

/** What is answered without pictures: by a model that was trained so, or by the same one with grey in their place. */
async function floorOf(
  options: EvalOptions,
  { main }: OpenSuites,
  parts: readonly SuitePart[] | undefined,
  grey: SuiteResult | undefined,
): Promise<SuiteResult | undefined> {
  const { blindFloor, floor, model: _, ...rest } = options;
  if (!floor || blindFloor === undefined || !asksQuestions(main, parts)) return grey;
  return withModel({ ...rest, model: blindFloor }, (model) =>
    ask(model, main, options, ['questions'], 'floor: ', true),
  );
}

function asksQuestions({ questions }: PictureSuite, parts: readonly SuitePart[] | undefined): boolean {
  return questions !== undefined && (parts === undefined || parts.includes('questions'));
}

async function ask(
  model: EvaluatedModel,
  suite: PictureSuite,
  { batch }: EvalOptions,
  parts: readonly SuitePart[] | undefined,
  label: string,
  blind = false,
): Promise<SuiteResult> {
  const { evaluateSuite } = await import('../../eval/index.ts');
  const progress = preparationReport(process.stderr);
  return evaluateSuite(model, suite, {
    blind,
    ...(parts === undefined ? {} : { parts }),
    ...(batch === undefined ? {} : { batch }),
    progress: (what, done, total) => progress.report(done, total, label + what),
  }).finally(progress.done);
}

function answerLines({ answers }: SuiteResult): string {
  return answers
    .map(({ part, id, kind, language, question, answer, truth, score }) =>
      JSON.stringify({ part, id, kind, language, question, answer, truth, score }),
    )
    .map((line) => `${line}\n`)
    .join('');
}

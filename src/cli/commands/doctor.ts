import process from 'node:process';
import type { Command } from 'commander';
import type { RecipeFinding } from '../../recipe/index.ts';
import type { AnyRecipe, Examination } from '../../recipe/node/index.ts';
import { collect, whole } from '../arguments.ts';
import type { Finding } from '../doctor.ts';
import { printable } from '../report-error.ts';

interface DoctorFlags {
  readonly json?: boolean;
  readonly set: readonly string[];
  readonly data?: string;
  readonly samples: number;
  readonly show: number;
  readonly against?: string;
}

/** `sensorium doctor [RECIPE]`. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('say what works here, or what is wrong with a recipe before it is run')
    .description(
      'Without a recipe: says what is installed and which devices work, by running a small program on each.\n' +
        'With a recipe: looks at its model and at samples of its data, shows which tokens carry loss, and says what a\n' +
        'step will take of memory and time, before one is taken.',
    )
    .argument('[recipe]', 'YAML file, or a folder of such files that follow each other; ready ones are in recipes/')
    .option('--json', 'print the findings as JSON')
    .option('--set <key=value>', 'change a key of the recipe (may be repeated)', collect, [])
    .option('--data <path>', 'folder or tar file of the data, for recipes that need one')
    .option('--samples <n>', 'samples that are looked at, spread over the data', whole(0, 1_000_000), 64)
    .option('--show <n>', 'samples that are shown with the tokens that carry loss', whole(0, 1_000_000), 3)
    .option('--against <path>', 'evaluation data: a file or folder of samples that training must not have')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  sensorium doctor\n' +
        '  sensorium doctor recipes/starter\n' +
        '  sensorium doctor tune.yaml --samples 500 --against test.jsonl --json\n' +
        '\nThe exit code is 1 when models cannot be trained here, or when the recipe has an error.\n',
    )
    .action(async (path: string | undefined, flags: DoctorFlags) => {
      if (path === undefined) await examineMachine(flags.json === true);
      else await examineFile(path, flags);
    });
}

async function examineMachine(json: boolean): Promise<void> {
  const { examine } = await import('../doctor.ts');
  const findings = await examine();
  if (json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
  else process.stdout.write(asTable(findings));
  if (findings.some(({ state }) => state === 'broken')) process.exitCode = 1;
}

async function examineFile(path: string, flags: DoctorFlags): Promise<void> {
  const { examineStages, readAnyRecipe, stagesOf } = await import('../../recipe/node/index.ts');
  const data = flags.data === undefined ? [] : [`data.path=${JSON.stringify(flags.data)}`];
  const paths = await stagesOf(path);
  const stages: AnyRecipe[] = [];
  for (const stage of paths) stages.push(await readAnyRecipe(stage, [...flags.set, ...data]));
  const examinations = await examineStages(stages, flags);
  const named = examinations.map((examination, i) => ({ recipe: paths[i]!, ...examination }));
  if (flags.json === true) process.stdout.write(`${JSON.stringify(named.length === 1 ? named[0] : named, null, 2)}\n`);
  else
    for (const { recipe, ...examination } of named)
      process.stdout.write(`${named.length === 1 ? '' : `${printable(recipe)}\n\n`}${await asReport(examination)}\n`);
  if (examinations.some(({ findings }) => findings.some(({ level }) => level === 'error'))) process.exitCode = 1;
}

async function asReport({ findings, shown, examined }: Examination): Promise<string> {
  const { paintPieces } = await import('../../recipe/index.ts');
  const colour = process.stdout.isTTY && !process.env['NO_COLOR'];
  const lines: string[] = [];
  if (shown.length > 0) {
    lines.push(`Tokens that carry loss are ${colour ? 'green' : 'in « »'}:`, '');
    for (const { sample, pieces } of shown)
      lines.push(`  ${printable(sample)}`, `    ${paintPieces(pieces, colour)}`, '');
  }
  lines.push(...findings.flatMap((finding) => describe(finding, colour)));
  const count = (level: RecipeFinding['level']): number => findings.filter((found) => found.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  lines.push(
    '',
    `${examined} samples looked at: ${errors === 0 ? 'no errors' : `${errors} error(s)`}, ${warnings === 0 ? 'no warnings' : `${warnings} warning(s)`}.`,
  );
  return `${lines.join('\n')}\n`;
}

const MARKS = { error: '✗', warning: '!', note: '·' } as const;
const COLOURS = { error: '\u001B[31m', warning: '\u001B[33m', note: '' } as const;

function describe({ level, check, where, message, hint }: RecipeFinding, colour: boolean): string[] {
  const mark = colour && COLOURS[level] !== '' ? `${COLOURS[level]}${MARKS[level]}\u001B[39m` : MARKS[level];
  return [
    `${mark} ${check}: ${printable(where)}: ${printable(message)}`,
    ...(hint === undefined ? [] : [`    → ${printable(hint)}`]),
  ];
}

function asTable(findings: readonly Finding[]): string {
  const marks = { ok: '✓', absent: '–', broken: '✗' } as const;
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, state, detail, hint }) => [
    `${marks[state]} ${name.padEnd(width)}  ${detail}`,
    ...(hint === undefined ? [] : [`  ${' '.repeat(width)}  → ${hint}`]),
  ]);
  const broken = findings.filter(({ state }) => state === 'broken').length;
  lines.push(
    '',
    broken === 0 ? 'Ready. ✓ works  – is not there and not needed' : `${broken} thing(s) need attention: ✗`,
  );
  return `${lines.join('\n')}\n`;
}

/**
 * Makes the starter that the package carries: trains its stages (those that are finished are passed over), puts the model into
 * few bits, asks it the suite of emoji scenes and writes its card. About two hours and a half on two cores.
 *
 *     npm run starter             all of it, into starter/
 *     npm run starter -- --skip-training MODEL     from the folder of a model that was trained
 */
import { spawnSync } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'dist', 'src', 'cli', 'main.js');
const target = join(root, 'starter');
const trained = process.argv.includes('--skip-training')
  ? process.argv[process.argv.indexOf('--skip-training') + 1]
  : undefined;

function sensorium(args, capture = false) {
  const stdio = ['ignore', capture ? 'pipe' : 'inherit', 'inherit'];
  const done = spawnSync(process.execPath, [main, ...args], { cwd: root, stdio, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (done.status !== 0) process.exit(done.status ?? 1);
  return done.stdout;
}

if (trained === undefined) sensorium(['train', 'recipes/starter', '--resume']);
const stages = (await readdir(join(root, 'recipes', 'starter'))).filter((name) => name.endsWith('.yaml')).sort();
const folders = stages.map((name) => join(root, 'runs', 'starter', name.replace(/\.yaml$/, '')));
const model = trained ?? join(folders.at(-1), 'model');

const { quantizeCheckpoint } = await import('../dist/src/hub/node/index.js');
const size = await quantizeCheckpoint(
  model,
  target,
  { default: 'int8', modules: { vision_model: 'int8', connector: 'int8' } },
  { overwrite: true },
);
console.error(`${(size.bytes / 1e6).toFixed(1)} MB in ${target}`);

const asked = process.argv.includes('--count') ? ['--count', process.argv[process.argv.indexOf('--count') + 1]] : [];
const evaluation = JSON.parse(
  sensorium(['eval', '--model', target, '--suite', 'emoji-scenes', ...asked, '--json'], true),
);
await writeFile(join(target, 'evaluation.json'), `${JSON.stringify(evaluation, null, 2)}\n`);
await writeFile(join(target, 'README.md'), await card(evaluation, size.bytes));

/** The model's card. */
async function card(evaluation, bytes) {
  const rows = [];
  let seconds = 0;
  let pictures = 0;
  for (const folder of trained === undefined ? folders : []) {
    const metrics = (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n').map(JSON.parse);
    const steps = metrics.filter(({ kind }) => kind === 'train');
    const last = steps.at(-1);
    const batch = Number(/batch: (\d+)/.exec(await readFile(join(folder, 'recipe.yaml'), 'utf8'))[1]);
    seconds += last.seconds;
    pictures += last.step * batch;
    rows.push(
      `| ${folder.split('/').at(-1)} | ${last.step} | ${last.step * batch} | ${(last.seconds / 60).toFixed(1)} |`,
    );
  }
  const shown = (number) => (typeof number === 'number' ? number.toFixed(3) : '–');
  const figures = Object.entries({ ...evaluation.figures, ...evaluation.kinds }).map(
    ([name, { value, low, high, floor, seen }]) =>
      `| ${name} | ${shown(value)} (${shown(low)} to ${shown(high)}) | ${shown(floor)} | ${shown(seen)} |`,
  );
  const template = await readFile(join(root, 'scripts', 'starter-card.md'), 'utf8');
  const version = await stat(join(target, 'config.json')).then(({ mtime }) => mtime.toISOString().slice(0, 10));
  return template
    .replace('{date}', version)
    .replace('{megabytes}', (bytes / 1e6).toFixed(1))
    .replace('{minutes}', (seconds / 60).toFixed(0))
    .replace('{pictures}', String(pictures))
    .replace('{stages}', rows.join('\n'))
    .replace('{figures}', figures.join('\n'));
}

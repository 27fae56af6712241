/**
 * Makes the starter that the package carries: trains its stages and the blind model that says what questions tell by themselves
 * (what is finished is passed over), puts the model into few bits, asks both the suite of emoji scenes and writes its card.
 * About two hours and a half on two cores.
 *
 *     npm run starter             all of it, into starter/
 *     npm run starter -- --skip-training MODEL     from the folder of a model that was trained
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'dist', 'src', 'cli', 'main.js');
const target = join(root, 'starter');
/** Where the new one is made, beside the present one until it is whole. */
const packed = join(root, 'runs', 'starter-packed');
const trained = process.argv.includes('--skip-training')
  ? process.argv[process.argv.indexOf('--skip-training') + 1]
  : undefined;

function sensorium(args, capture = false) {
  const stdio = ['ignore', capture ? 'pipe' : 'inherit', 'inherit'];
  const done = spawnSync(process.execPath, [main, ...args], { cwd: root, stdio, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (done.status !== 0) process.exit(done.status ?? 1);
  return done.stdout;
}

const blind = join(root, 'runs', 'starter-blind', 'model');
if (trained === undefined) {
  sensorium(['train', 'recipes/starter', '--resume']);
  if (!existsSync(blind)) sensorium(['train', 'recipes/starter-blind.yaml', '--resume']);
}
const { stagesOf } = await import('../dist/src/recipe/node/index.js');
const recipes = await Promise.all(
  (await stagesOf(join(root, 'recipes', 'starter'))).map((path) => readFile(path, 'utf8')),
);
const folders = recipes.map((text) => join(root, parse(text).output));
const model = trained ?? join(folders.at(-1), 'model');

const { quantizeCheckpoint } = await import('../dist/src/hub/node/index.js');
await rm(packed, { recursive: true, force: true });
const size = await quantizeCheckpoint(model, packed, {
  default: 'int8',
  modules: { vision_model: 'int8', connector: 'int8' },
});
console.error(`${(size.bytes / 1e6).toFixed(1)} MB`);

const asked = process.argv.includes('--count') ? ['--count', process.argv[process.argv.indexOf('--count') + 1]] : [];
const floor = trained === undefined ? ['--blind-floor', blind] : [];
const evaluation = JSON.parse(
  sensorium(['eval', '--model', packed, '--suite', 'emoji-scenes', ...floor, ...asked, '--json'], true),
);
// What is published names no folder of the machine that made it.
evaluation.model = 'starter';
await writeFile(join(packed, 'evaluation.json'), `${JSON.stringify(evaluation, null, 2)}\n`);
await writeFile(join(packed, 'README.md'), await card(evaluation, size.bytes));
await rm(target, { recursive: true, force: true });
await rename(packed, target);
console.error(`in ${target}`);

/** The model's card. */
async function card(evaluation, bytes) {
  const rows = [];
  let seconds = 0;
  let pictures = 0;
  for (const folder of trained === undefined ? folders : []) {
    const { training } = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8'));
    const recipe = parse(await readFile(join(folder, 'recipe.yaml'), 'utf8'));
    const seen = training.steps * recipe.train.batch;
    const tokens = recipe.objectives.language > 0 ? seen * recipe.data.length : 0;
    seconds += training.seconds;
    pictures += seen;
    rows.push(
      `| ${basename(folder)} | ${training.steps} | ${seen} | ${(tokens / 1e6).toFixed(1)} | ${(training.seconds / 60).toFixed(1)} |`,
    );
  }
  const shown = (number) => (typeof number === 'number' ? number.toFixed(3) : '–');
  const figures = Object.entries({ ...evaluation.figures, ...evaluation.kinds }).map(
    ([name, { value, low, high, floor, seen }]) =>
      `| ${name} | ${shown(value)} (${shown(low)} to ${shown(high)}) | ${shown(floor)} | ${shown(seen)} |`,
  );
  const template = await readFile(join(root, 'scripts', 'starter-card.md'), 'utf8');
  const version = await stat(join(packed, 'config.json')).then(({ mtime }) => mtime.toISOString().slice(0, 10));
  return template
    .replace('{date}', version)
    .replace('{megabytes}', (bytes / 1e6).toFixed(1))
    .replace('{weights}', (size.sourceBytes / 4e6).toFixed(1))
    .replace('{minutes}', (seconds / 60).toFixed(0))
    .replace('{pictures}', String(pictures))
    .replace('{stages}', rows.join('\n'))
    .replace('{figures}', figures.join('\n'));
}

/** The steps of the set-up. Each one looks first and says nothing when there is nothing to do. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Beside the page and not within it, where it would be served. */
const PLAYGROUND_STAMP = '.playground-stamp';

/** Brings dependencies and build up to date. */
export function setUp(root = ROOT) {
  installDependencies(root);
  build(root);
}

/** Runs `npm ci` unless what is installed is what the lock file names. */
export function installDependencies(root = ROOT) {
  const reason = whyInstall(root);
  if (reason === undefined) return;
  say(`Installing dependencies (${reason}) …`);
  // Install scripts are not needed: every native part comes prebuilt inside its package. onnxruntime-node's would fetch
  // CUDA files from a host that firewalls often block, and fail the whole installation.
  const npmArguments = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  const done =
    npm !== undefined && /npm-cli\.c?js$/.test(npm)
      ? run(process.execPath, [npm, ...npmArguments], root)
      : run('npm', npmArguments, root, process.platform === 'win32');
  if (done.status !== 0) {
    throw new Error(
      `\`npm ${npmArguments.join(' ')}\` ${ending(done)}\n` +
        '  → Look at the lines above. Is the package registry reachable, and is there room on the disk?',
    );
  }
  const still = whyInstall(root);
  if (still !== undefined) throw new Error(`dependencies are not complete after npm ci: ${still}`);
}

/** Why dependencies must be installed, in words, or undefined. npm writes its hidden lock file last. */
export function whyInstall(root) {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return 'not installed yet';
  const wanted = readJson(join(root, 'package-lock.json')).packages;
  const installed = readJson(hidden)?.packages;
  if (installed === undefined) return 'the installed list cannot be read';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link === true) continue;
    const there = installed[path];
    if (there === undefined) {
      if (entry.optional === true || entry.devOptional === true || entry.peer === true) continue;
      return `${path.replace(/^.*node_modules\//, '')} is missing`;
    }
    if (there.version !== entry.version) return 'the lock file has changed';
  }
  for (const path of Object.keys(installed)) {
    if (!existsSync(join(root, path, 'package.json'))) return `${path} is gone`;
  }
  return undefined;
}

/** Builds what is not built yet, to be run as a command too. */
export function build(root = ROOT) {
  compile(root);
  buildPlayground(root);
  // npx makes the command executable once, when it first links the package, and not again after a build.
  chmodSync(join(root, 'dist', 'src', 'cli', 'main.js'), 0o755);
}

/** Compiles `src` and `bench` to `dist` unless a build of exactly these sources is there. */
function compile(root) {
  const wanted = sourceHash(root);
  const stamp = join(root, 'dist', '.build-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('Building …');
  // A new folder takes the old one's place at the end, so that no run sees half a build.
  const fresh = join(root, `dist.new-${process.pid}`);
  const old = join(root, `dist.old-${process.pid}`);
  try {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const done = run(process.execPath, [compiler, '-p', 'tsconfig.json', '--outDir', fresh], root);
    if (done.status !== 0) throw new Error(`the TypeScript compiler ${ending(done)}; its messages are above`);
    copyAssets(root, fresh);
    keepPlayground(root, fresh);
    mkdirSync(fresh, { recursive: true });
    writeFileSync(join(fresh, '.build-stamp'), wanted);
    if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
    renameSync(fresh, join(root, 'dist'));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

/** Builds the page that the server shows, from `playground`, unless a build of exactly these sources is there. */
function buildPlayground(root) {
  if (!existsSync(join(root, 'playground'))) return;
  const wanted = hashOf(root, ['tsconfig.json', 'package-lock.json', ...listFiles(root, 'playground')]);
  const stamp = join(root, 'dist', PLAYGROUND_STAMP);
  const target = join(root, 'dist', 'playground');
  if (existsSync(stamp) && existsSync(target) && readFileSync(stamp, 'utf8') === wanted) return;
  say('Building the playground …');
  const fresh = join(root, `dist.new-${process.pid}`);
  try {
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    const config = join('playground', 'vite.config.ts');
    const done = run(
      process.execPath,
      [vite, 'build', '--config', config, '--outDir', fresh, '--logLevel', 'error'],
      root,
    );
    if (done.status !== 0) throw new Error(`the build of the playground ${ending(done)}; its messages are above`);
    rmSync(stamp, { force: true });
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
    writeFileSync(stamp, wanted);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Takes a page that was built before along into a new `dist`. */
function keepPlayground(root, fresh) {
  for (const name of ['playground', PLAYGROUND_STAMP]) {
    const from = join(root, 'dist', name);
    if (existsSync(from)) cpSync(from, join(fresh, name), { recursive: true });
  }
}

/** A hash of everything that the build depends on. */
function sourceHash(root) {
  return hashOf(root, ['tsconfig.json', 'package-lock.json', ...listFiles(root, 'src'), ...listFiles(root, 'bench')]);
}

function hashOf(root, files) {
  const hash = createHash('sha256').update(process.version);
  for (const file of files) {
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** Files beside the sources that are not TypeScript (tables, pages, styles) go along unchanged. */
function copyAssets(root, target) {
  for (const file of [...listFiles(root, 'src'), ...listFiles(root, 'bench')]) {
    if (/\.[cm]?ts$/.test(file)) continue;
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(root, file), join(target, file));
  }
}

/** Paths of all files under `folder`, relative to `root`, with forward slashes, sorted. */
function listFiles(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? listFiles(root, path) : entry.isFile() ? [path] : [];
    })
    .sort();
}

function run(command, args, cwd, shell = false) {
  // The child's output goes to standard error: standard output belongs to the command that follows (`--json`).
  return spawnSync(command, args, { cwd, shell, stdio: ['ignore', 2, 2] });
}

function ending(done) {
  if (done.error !== undefined) return `could not be started (${done.error.message})`;
  return done.signal === null ? `failed with exit code ${done.status}` : `was ended by ${done.signal}`;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function say(text) {
  process.stderr.write(`[setup] ${text}\n`);
}

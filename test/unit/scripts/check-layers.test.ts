import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLayers, findImports } from '../../../scripts/check-layers.mjs';

const ROOT = resolve(import.meta.dirname, '../../..');
const copy = mkdtempSync(join(tmpdir(), 'sensorium-seams-'));

beforeAll(() => {
  cpSync(join(ROOT, 'src'), join(copy, 'src'), { recursive: true });
  cpSync(join(ROOT, 'tsconfig.json'), join(copy, 'tsconfig.json'));
  cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction');
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Violations that appear when `text` is planted in the copy as `path`. */
function plant(path: string, text: string): string[] {
  const file = join(copy, path);
  const isNew = !existsSync(dirname(file));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  try {
    return checkLayers(copy).filter((problem: string) => problem.startsWith(path));
  } finally {
    rmSync(isNew ? dirname(file) : file, { recursive: true });
  }
}

describe('layers', () => {
  it('the source keeps its seams', () => {
    expect(checkLayers(ROOT)).toEqual([]);
  });

  const violations: [what: string, path: string, text: string, message: RegExp][] = [
    ['an upward import', 'src/core/planted.ts', "import { add } from '../graph/index.ts';", /core imports graph/],
    [
      'an upward import of a type',
      'src/graph/planted.ts',
      "import type { Module } from '../nn/index.ts';",
      /graph imports nn/,
    ],
    [
      'an upward type query',
      'src/graph/planted.ts',
      "export type M = import('../nn/index.ts').Module;",
      /graph imports nn/,
    ],
    ['an upward export', 'src/hub/planted.ts', "export {\n  Module,\n} from '../nn/index.ts';", /:3: hub imports nn/],
    [
      'an upward import when called',
      'src/hub/planted.ts',
      "const m = await import('../nn/index.ts');",
      /hub imports nn/,
    ],
    ['a sideways import', 'src/nn/planted.ts', "import '../onnx/index.ts';", /nn imports onnx/],
    [
      'a worker of an upper layer',
      'src/core/planted.ts',
      "new URL('../data/w.ts', import.meta.url);",
      /core imports data/,
    ],
    [
      'Node in a browser layer',
      'src/nn/planted.ts',
      "import { readFile } from 'node:fs/promises';",
      /browsers do not have/,
    ],
    ['Node under its old name', 'src/nn/planted.ts', "import * as fs from 'fs';", /browsers do not have/],
    ['a native package', 'src/data/planted.ts', "import sharp from 'sharp';", /browsers do not have/],
    ['a node folder in a browser file', 'src/hub/planted.ts', "import { x } from './node/weights.ts';", /needs Node/],
    [
      'the engine elsewhere',
      'src/train/planted.ts',
      "import * as ort from 'onnxruntime-web';",
      /only src\/runtime may/,
    ],
    [
      'the engine in a node folder elsewhere',
      'src/train/node/planted.ts',
      "import 'onnxruntime-node';",
      /only src\/runtime may/,
    ],
    [
      'one model in another',
      'src/models/planted/model.ts',
      "import '../fusion/model.ts';",
      /models\/planted imports models\/fusion/,
    ],
    [
      'one model in the shared part',
      'src/models/common/planted.ts',
      "import '../fusion/model.ts';",
      /models\/common imports models\/fusion/,
    ],
    ['the entry in a layer', 'src/core/planted.ts', "import '../index.ts';", /the entry above/],
    ['something outside', 'src/core/planted.ts', "import '../../scripts/check.mjs';", /outside src/],
    ['an inner file in the CLI', 'src/cli/planted.ts', "import '../train/step.ts';", /public entry/],
    ['a folder that is not in the table', 'src/misc/planted.ts', 'export {};', /not in scripts\/layers.json/],
    ['a long file', 'src/core/planted.ts', '\n'.repeat(401), /401 lines/],
  ];
  it.each(violations)('%s is found', (_, path, text, message) => {
    expect(plant(path, text).join('\n')).toMatch(message);
  });

  it.each([
    ['a downward import', 'src/train/planted.ts', "import '../graph/index.ts';"],
    ['Node in a node folder', 'src/hub/node/planted.ts', "import 'node:fs';"],
    ['the shared part of the models', 'src/models/planted/model.ts', "import '../common/text.ts';"],
    [
      'words about imports',
      'src/core/planted.ts',
      "/*\nimport x from 'node:fs';\n*/\n// import 'node:fs'\n/** import('node:fs') */\n",
    ],
    ['a node folder loaded when needed', 'src/hub/planted.ts', "const w = await import('./node/weights.ts');"],
    ['400 lines', 'src/core/planted.ts', '\n'.repeat(400)],
  ])('%s is fine', (_, path, text) => {
    expect(plant(path, text)).toEqual([]);
  });

  it('the command fails on a violation', () => {
    const file = join(copy, 'src/core/planted.ts');
    writeFileSync(file, "import { add } from '../graph/index.ts';\n");
    const done = spawnSync(process.execPath, [join(ROOT, 'scripts/check-layers.mjs'), copy], { encoding: 'utf8' });
    rmSync(file);
    expect(done.status).toBe(1);
    expect(done.stderr).toContain('src/core/planted.ts:1: core imports graph');
  });

  it('finds every form of import', () => {
    const text = [
      "import a from 'a';",
      "import * as b from 'b';",
      "import c, { d } from 'c';",
      "import type { E } from 'e';",
      "import type from 'type';",
      "import { type F } from 'f';",
      "export * from 'g';",
      "export * as h from 'h';",
      "export type { I } from 'i';",
      "import 'j';",
      "const k = await import('k');",
      "const l = require('l');",
      "export const from = 'not';",
    ].join('\n');
    const found = findImports(text) as { specifier: string; line: number; kind: string }[];
    expect(found.map(({ specifier }) => specifier)).toEqual([...'abce', 'type', ...'fghijkl']);
    expect(found.map(({ line }) => line)).toEqual(found.map((_, i) => i + 1));
    expect(found.filter(({ kind }) => kind === 'type').map(({ specifier }) => specifier)).toEqual(['e', 'i']);
  });
});

describe('the gradient table', () => {
  const rules = join(copy, 'src', 'autodiff', 'rules');

  /** What the compiler says about the copy. */
  function compile(): string {
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    try {
      return execFileSync(process.execPath, [compiler, '--noEmit', '-p', copy], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  }

  it('compiles as it is', () => {
    expect(compile()).not.toMatch(/autodiff/);
  });

  it.each(['softmax', 'matmul', 'tanh', 'reshape'])('does not compile without the rule of %s', (operator) => {
    const file = readdirSync(rules)
      .map((name) => join(rules, name))
      .find((path) => ruleOf(operator).test(readFileSync(path, 'utf8')));
    expect(file, `a file with the rule of ${operator}`).toBeDefined();
    const text = readFileSync(file!, 'utf8');
    writeFileSync(file!, withoutRule(text, operator));
    try {
      const messages = compile();
      expect(messages).toMatch(/src[\\/]autodiff.*error TS\d+/);
      expect(messages).toContain(`Property '${operator}' is missing`);
    } finally {
      writeFileSync(file!, text);
    }
  });
});

/** A key of a table that names an operator's rule. */
function ruleOf(operator: string): RegExp {
  return new RegExp(`^  ${operator}(?:: |\\()`, 'm');
}

/** Leaves an entry of a table out: one line, or the lines up to the bracket that closes it. */
function withoutRule(text: string, operator: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => ruleOf(operator).test(line));
  const isOneLine = lines[start]!.endsWith(',');
  const end = isOneLine ? start : lines.findIndex((line, i) => i > start && /^  [}\])]/.test(line));
  return [...lines.slice(0, start), ...lines.slice(end + 1)].join('\n');
}

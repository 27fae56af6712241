/** Whatever is wrong with what comes from outside: a typed error that says what to do, nothing left behind, memory bounded. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, ensureBuilt, type Finished, MAIN, ROOT, sensorium, temporaryFolder } from './cli.ts';

/** MiB; a good prediction takes about 150. */
const MOST_MEMORY = 600;
const folder = temporaryFolder();
const at = (...parts: string[]): string => join(folder.path, ...parts);
const model = at('model');
const good = at('good.png');

beforeAll(async () => {
  ensureBuilt();
  const trained = spawnSync(process.execPath, [join(ROOT, 'examples', 'train-and-predict.mjs'), model], {
    encoding: 'utf8',
  });
  expect(trained.stderr).toBe('');
  const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
  await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toFile(good);
});

afterAll(folder.remove);

function expectRefused({ code, out, err, left, peak }: Finished, kind: string, what: RegExp): void {
  expect(err).toMatch(what);
  expect(err.startsWith(`${kind}: `), err).toBe(true);
  expect(err).toContain('\n  → ');
  expect(err).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
  expect(out).toBe('');
  expect(left).toEqual([]);
  expect(peak).toBeLessThan(MOST_MEMORY);
}

/** Asks with everything right except what is given. */
function ask(change: { model?: string; image?: string; text?: string; more?: string[] }): Promise<Finished> {
  const text = change.more?.includes('--text-file') ? [] : ['--text', change.text ?? 'this is red'];
  return sensorium(
    'predict',
    '--model',
    change.model ?? model,
    '--image',
    change.image ?? good,
    ...text,
    '--heatmap',
    'looked.png',
    ...(change.more ?? []),
  );
}

it('answers when nothing is wrong', async () => {
  const { code, out, left, peak } = await ask({});
  expect(code).toBe(0);
  expect(out).toMatch(/^(yes|no)\n/);
  expect(left).toEqual(['looked.png']);
  expect(peak).toBeLessThan(MOST_MEMORY);
});

describe('pictures', () => {
  const file = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(at(name), bytes);
    return at(name);
  };

  it('missing', async () =>
    expectRefused(await ask({ image: at('nothing.png') }), 'DataError', /nothing\.png does not exist/));
  it('a folder', async () =>
    expectRefused(await ask({ image: folder.path }), 'DataError', /not a (regular )?file|is a folder/));
  it('empty', async () =>
    expectRefused(await ask({ image: file('empty.png', '') }), 'DataError', /empty\.png is empty/));
  it('text that calls itself a picture', async () =>
    expectRefused(await ask({ image: file('text.png', 'hello') }), 'DataError', /text\.png/));
  it('truncated', async () => {
    const bytes = readFileSync(good);
    expectRefused(await ask({ image: file('cut.png', bytes.subarray(0, bytes.length >> 1)) }), 'DataError', /cut\.png/);
  });
  it('damaged', async () => {
    const bytes = Uint8Array.from(readFileSync(good));
    for (let i = 60; i < bytes.length; i += 3) bytes[i]! ^= 0x5a;
    expectRefused(await ask({ image: file('damaged.png', bytes) }), 'DataError', /damaged\.png/);
  });
  it('a small file that says it has 3.6 billion pixels', async () => {
    const bytes = Uint8Array.from(readFileSync(good));
    new DataView(bytes.buffer).setUint32(16, 60_000);
    new DataView(bytes.buffer).setUint32(20, 60_000);
    expectRefused(await ask({ image: file('bomb.png', bytes) }), 'DataError', /bomb\.png/);
  });
  it('a file of 2 GiB', async () => {
    writeFileSync(at('huge.png'), '');
    truncateSync(at('huge.png'), 2 ** 31);
    expectRefused(await ask({ image: at('huge.png') }), 'DataError', /huge\.png/);
    rmSync(at('huge.png'));
  });
  it('an SVG whose entities multiply', async () => {
    const entities = Array.from({ length: 12 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join('');
    const svg = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e0 "ha">${entities}]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&e12;</text></svg>`;
    expectRefused(await ask({ image: file('laughs.svg', svg) }), 'DataError', /laughs\.svg/);
  });
  it.skipIf(process.platform === 'win32')('a named pipe, which must not be waited for', async () => {
    spawnSync('mkfifo', [at('pipe.png')]);
    expectRefused(await ask({ image: at('pipe.png') }), 'DataError', /pipe\.png/);
  });
});

describe('texts', () => {
  it('empty', async () => expectRefused(await ask({ text: '' }), 'DataError', /text is empty/));
  it('blank', async () => expectRefused(await ask({ text: ' \t\u3000' }), 'DataError', /text is empty/));
  it('none', async () =>
    expectRefused(await sensorium('predict', '--model', model, '--image', good), 'DataError', /there is no text/));
  it('half a million words', async () => {
    writeFileSync(at('long.txt'), 'red '.repeat(500_000));
    expectRefused(await ask({ more: ['--text-file', at('long.txt')] }), 'DataError', /long\.txt has 2000000 bytes/);
  });
  it('longer than any text may be', async () => {
    writeFileSync(at('longer.txt'), 'red '.repeat(30_000));
    expectRefused(await ask({ more: ['--text-file', at('longer.txt')] }), 'DataError', /120000 characters/);
  });
  it('longer than the model reads: cut, and said so', async () => {
    const { code, err } = await ask({ text: 'this is red and this is blue and this is green' });
    expect(code).toBe(0);
    expect(err).toMatch(/longer than 8 tokens/);
  });
  it('a file that is not UTF-8', async () => {
    writeFileSync(at('latin1.txt'), Uint8Array.of(0x72, 0xe9, 0x64));
    expectRefused(await ask({ more: ['--text-file', at('latin1.txt')] }), 'DataError', /not valid UTF-8/);
  });
  it.skipIf(process.platform === 'win32')('an argument that is not UTF-8', async () => {
    const line = `exec "$0" "$1" predict --model "$2" --image "$3" --text "$(printf 'r\\351d')"`;
    const { code, err, left } = await command('sh', ['-c', line, process.execPath, MAIN, model, good]);
    expect(err).toMatch(/^DataError: --text is not valid UTF-8/);
    expect([code, left]).toEqual([1, []]);
  });
});

describe('model folders', () => {
  /** A copy of the good model with one file changed. */
  const broken = (name: string, file: string, change: (bytes: Buffer) => Uint8Array | string | undefined): string => {
    const path = at(`model-${name}`);
    cpSync(model, path, { recursive: true });
    const changed = change(readFileSync(join(path, file)));
    if (changed === undefined) rmSync(join(path, file));
    else writeFileSync(join(path, file), changed);
    return path;
  };
  const json =
    (change: (value: any) => unknown) =>
    (bytes: Buffer): string => {
      const value: unknown = JSON.parse(bytes.toString());
      return JSON.stringify(change(value) ?? value);
    };
  const header =
    (change: (value: any) => unknown) =>
    (bytes: Buffer): Uint8Array => {
      const length = Number(bytes.readBigUInt64LE(0));
      const changed = Buffer.from(json(change)(bytes.subarray(8, 8 + length)));
      const prefix = Buffer.alloc(8);
      prefix.writeBigUInt64LE(BigInt(changed.length));
      return Buffer.concat([prefix, changed, bytes.subarray(8 + length)]);
    };
  const WEIGHTS = 'model.safetensors';
  const NAME = 'classifier.weight';
  const cases: [string, string, (bytes: Buffer) => Uint8Array | string | undefined, RegExp][] = [
    ['no config', 'config.json', () => undefined, /no config\.json/],
    ['config that is not JSON', 'config.json', () => '{"model_type": ', /config\.json: not JSON/],
    ['config nested too deep', 'config.json', () => '['.repeat(100_000), /config\.json/],
    [
      'config of another model',
      'config.json',
      json((value) => void (value.model_type = 'bert')),
      /config\.json: model_type/,
    ],
    [
      'config with a monstrous width',
      'config.json',
      json((value) => void (value.text.width = 1e9)),
      /config\.json: text\.width/,
    ],
    [
      'config of another size',
      'config.json',
      json((value) => void (value.hiddenSize = 64)),
      /\[|not belong|there is no|no tensor/,
    ],
    ['no tokenizer', 'tokenizer.json', () => undefined, /no tokenizer\.json/],
    ['a tokenizer that is none', 'tokenizer.json', () => '{"model": {}}', /tokenizer\.json is not a tokenizer/],
    ['no preprocessor', 'preprocessor_config.json', () => undefined, /no preprocessor_config\.json/],
    [
      'class names that do not fit',
      'preprocessor_config.json',
      json((value) => void value.class_names.pop()),
      /do not belong together/,
    ],
    ['no weights', WEIGHTS, () => undefined, /neither model\.safetensors/],
    ['empty weights', WEIGHTS, () => '', /model\.safetensors/],
    ['weights cut in the header', WEIGHTS, (bytes) => bytes.subarray(0, 100), /model\.safetensors/],
    ['weights cut in the data', WEIGHTS, (bytes) => bytes.subarray(0, bytes.length - 1000), /model\.safetensors/],
    [
      'a header of 2^62 bytes',
      WEIGHTS,
      (bytes) => {
        const copy = Buffer.from(bytes);
        copy.writeBigUInt64LE(2n ** 62n);
        return copy;
      },
      /model\.safetensors/,
    ],
    [
      'a header that is not JSON',
      WEIGHTS,
      (bytes) => {
        const copy = Buffer.from(bytes);
        copy.fill(0x41, 8, 60);
        return copy;
      },
      /model\.safetensors/,
    ],
    [
      'a tensor beyond the file',
      WEIGHTS,
      header((value) => void (value[NAME].data_offsets = [0, 2 ** 40])),
      /model\.safetensors/,
    ],
    ['a tensor of another type', WEIGHTS, header((value) => void (value[NAME].dtype = 'F128')), /model\.safetensors/],
    [
      'a missing tensor',
      WEIGHTS,
      header((value) => {
        value.other = value[NAME];
        delete value[NAME];
      }),
      /no tensor named classifier\.weight/,
    ],
    [
      'a tensor of another shape',
      WEIGHTS,
      header((value) => void value[NAME].shape.reverse()),
      /classifier\.weight is float32/,
    ],
  ];
  it.each(cases)('%s', async (name, file, change, what) => {
    expectRefused(await ask({ model: broken(name.replaceAll(/\W/g, '-'), file, change) }), 'CheckpointError', what);
  });
  it('missing', async () =>
    expectRefused(await ask({ model: at('nowhere') }), 'CheckpointError', /nowhere is not there/));
  it('a file', async () => expectRefused(await ask({ model: good }), 'CheckpointError', /is not a folder/));
});

describe('places to write to', () => {
  it('a heatmap in a folder that is not there', async () =>
    expectRefused(await ask({ more: ['--heatmap', at('no', 'where.png')] }), 'DataError', /there is no folder/));
  it('a heatmap that is no PNG', async () =>
    expectRefused(await ask({ more: ['--heatmap', 'looked.jpg'] }), 'DataError', /PNG/));
});

describe('recipes', () => {
  const QUICK = join(ROOT, 'recipes', 'emoji-statements-quick.yaml');
  const train = (name: string, text: string | Uint8Array): Promise<Finished> => {
    mkdirSync(dirname(at('recipes', name)), { recursive: true });
    writeFileSync(at('recipes', name), text);
    return sensorium('train', at('recipes', name), '--out', 'run');
  };
  const quick = (change: (text: string) => string): string => {
    const text = readFileSync(QUICK, 'utf8');
    expect(change(text)).not.toBe(text);
    return change(text);
  };
  it('missing', async () =>
    expectRefused(await sensorium('train', 'nothing.yaml'), 'RecipeError', /nothing\.yaml: no such recipe/));
  it('a mistyped key', async () =>
    expectRefused(
      await train(
        'key.yaml',
        quick((text) => text.replace('optimizer:', 'optimiser:')),
      ),
      'RecipeError',
      /key\.yaml:\d+.*optimizer/s,
    ));
  it('a mistyped value', async () =>
    expectRefused(
      await train(
        'value.yaml',
        quick((text) => text.replace('kind: adamw', 'kind: adamv')),
      ),
      'RecipeError',
      /value\.yaml:\d+.*adamw/s,
    ));
  it('a number out of range', async () =>
    expectRefused(
      await train(
        'range.yaml',
        quick((text) => text.replace(/lr: [\d.]+/, 'lr: -1')),
      ),
      'RecipeError',
      /range\.yaml:\d+/,
    ));
  it('not YAML', async () =>
    expectRefused(await train('broken.yaml', 'model: {type: [}'), 'RecipeError', /broken\.yaml/));
  it('empty', async () => expectRefused(await train('empty.yaml', ''), 'RecipeError', /empty\.yaml/));
  it('not UTF-8', async () =>
    expectRefused(await train('latin1.yaml', Uint8Array.of(0x61, 0x3a, 0xff)), 'RecipeError', /latin1\.yaml/));
  it('aliases that multiply', async () => {
    const laughs = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`);
    expectRefused(await train('laughs.yaml', ['a0: &a0 [1]', ...laughs].join('\n')), 'RecipeError', /laughs\.yaml/);
  });
  it('a file of 1 GiB', async () => {
    mkdirSync(at('recipes'), { recursive: true });
    writeFileSync(at('recipes', 'huge.yaml'), '');
    truncateSync(at('recipes', 'huge.yaml'), 2 ** 30);
    const refused = await sensorium('train', at('recipes', 'huge.yaml'));
    rmSync(at('recipes', 'huge.yaml'));
    expectRefused(refused, 'RecipeError', /huge\.yaml/);
  });
  it('a mistyped override', async () =>
    expectRefused(await sensorium('train', QUICK, '--set', 'train.sed=2', '--out', 'run'), 'RecipeError', /seed/));
  it('data that are not there', async () =>
    expectRefused(
      await sensorium('train', join(ROOT, 'recipes', 'easy-vqa.yaml'), '--data', at('nothing.tar')),
      'DataError',
      /nothing\.tar/,
    ));
  it('data that are damaged', async () => {
    copyFileSync(good, at('wrong.tar'));
    expectRefused(
      await sensorium('train', join(ROOT, 'recipes', 'easy-vqa.yaml'), '--data', at('wrong.tar')),
      'DataError',
      /wrong\.tar/,
    );
  });
});

describe('commands', () => {
  it('a mistyped one', async () => {
    const { code, err } = await sensorium('pradict');
    expect(err).toMatch(/unknown command 'pradict'\n\(Did you mean predict\?\)/);
    expect(code).toBe(1);
  });
  it('one without what it needs', async () => {
    const { code, err } = await sensorium('predict', '--image', good);
    expect(err).toMatch(/--model <dir>.*\n.*predict --help/);
    expect(code).toBe(1);
  });
});

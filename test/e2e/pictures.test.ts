import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePairFolder } from '../pair-folder.ts';
import { ensureBuilt, sensorium, temporaryFolder } from './cli.ts';

// A tiny random SmolVLM-like model, asked as a person would ask a real one.
const TWIN = fileURLToPath(new URL('../parity/fixtures/multimodal/idefics3', import.meta.url));
// Like SmolVLM's own: contents are lists of parts. The twin's vocabulary is w0, w1, …
const TEMPLATE =
  "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>" +
  "{% else %}w5 {{ part['text'] }}{% endif %} {% endfor %}w7 {% endfor %}{% if add_generation_prompt %}w9{% endif %}";

const scratch = temporaryFolder();
let model: string;
let pair: string;
const picture = join(scratch.path, 'red.png');
const wide = join(scratch.path, 'wide.jpg');

beforeAll(async () => {
  ensureBuilt();
  model = join(scratch.path, 'model');
  await cp(TWIN, model, { recursive: true });
  await writeFile(join(model, 'chat_template.jinja'), TEMPLATE);
  pair = join(scratch.path, 'pair');
  await mkdir(pair);
  await writePairFolder(pair, 'siglip');
  const image = (width: number, height: number, background: string) =>
    sharp({ create: { width, height, channels: 3, background } });
  await image(40, 28, '#c82828').png().toFile(picture);
  await image(90, 30, '#2828c8').jpeg().toFile(wide);
}, 300_000);
afterAll(scratch.remove);

const JSON_KEYS = ['text', 'finish', 'tokens'];

describe('pictures from the command line', () => {
  it('are described, one after another', async () => {
    const { code, out, err } = await sensorium('caption', '-m', model, '-i', picture, '-i', wide, '--max-tokens', '6');
    expect([code, err]).toEqual([0, '']);
    expect(out.trim().split('\n')).toHaveLength(2);
  });

  it('are asked about, several together, and the answer is the same each time', async () => {
    const question = ['-q', 'w11 w12', '--max-tokens', '8', '--json'];
    const ask = ['vqa', '-m', model, '-i', picture, '-i', wide, ...question];
    const [first, second] = [await sensorium(...ask), await sensorium(...ask)];
    expect(first).toMatchObject({ code: 0, err: '' });
    const answer = JSON.parse(first.out) as Record<string, unknown>;
    expect(Object.keys(answer)).toEqual(JSON_KEYS);
    expect(second.out).toBe(first.out);
    const one = await sensorium('vqa', '-m', model, '-i', wide, ...question);
    expect(one.out).not.toBe(first.out);
    const bytes = (await readFile(wide)).toString('base64');
    const sent = await sensorium('vqa', '-m', model, '-i', `data:image/jpeg;base64,${bytes}`, ...question);
    expect(sent.out).toBe(one.out);
  });

  it('stand in conversations', async () => {
    const { code, out } = await sensorium(
      'chat',
      '-m',
      model,
      '-i',
      picture,
      '-p',
      'w11',
      '--max-tokens',
      '5',
      '--json',
    );
    expect(code).toBe(0);
    expect((JSON.parse(out) as { tokens: unknown[] }).tokens).toHaveLength(5);
  });

  it('are read with weights in few bits, which are kept', async () => {
    const cache = join(scratch.path, 'cache');
    process.env['XDG_CACHE_HOME'] = cache;
    try {
      const ask = ['vqa', '-m', model, '-i', picture, '-q', 'w11', '--dtype', 'int8', '--max-tokens', '4', '--json'];
      const [first, second] = [await sensorium(...ask), await sensorium(...ask)];
      expect(first.code).toBe(0);
      expect(second).toMatchObject({ code: 0, out: first.out, err: '' });
    } finally {
      delete process.env['XDG_CACHE_HOME'];
    }
  });

  it('are classified, embedded and matched', async () => {
    const classified = await sensorium('classify', '-m', pair, '-i', picture, '-l', 'cat', '-l', 'dog', '--json');
    expect(classified).toMatchObject({ code: 0, err: '' });
    expect((JSON.parse(classified.out) as { labels: unknown[] }).labels).toHaveLength(2);
    const embedded = await sensorium('embed', '-m', pair, '-i', picture, '-t', 'a cat', '--json');
    const vectors = embedded.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { vector: number[] }).vector);
    expect(vectors.map(({ length }) => length)).toEqual([36, 36]);
    const matched = await sensorium('match', '-m', pair, '-i', picture, '-t', 'a cat');
    expect(matched).toMatchObject({ code: 0, err: '' });
    expect(matched.out).toMatch(/%.*cosine/);
  });

  it.each([
    [['vqa', '-i', 'none.png', '-q', 'w1'], /none\.png does not exist/],
    [['vqa', '-i', 'data:image/png;base64,AAAA', '-q', 'w1'], /→/],
    [['caption', '-i', 'http://127.0.0.1:9/a.png'], /→/],
    [['ground', '-i', 'RED', '-p', 'w1'], /does not point at things/],
    [['ground', '-i', 'RED', '-p', 'w1', '--out', 'boxes.gif'], /writes PNG files/],
    [['classify', '-i', 'RED', '-l', 'a'], /does not compare/],
  ])('%j is refused with what to do', async (given, message) => {
    const [command, ...rest] = given.map((word) => (word === 'RED' ? picture : word));
    const { code, err, out, left } = await sensorium(command!, '-m', model, ...rest);
    expect([code, out, left]).toEqual([1, '', []]);
    expect(err).toMatch(message);
    expect(err).toMatch(/→/);
  });

  it('of a model that does not see are refused', async () => {
    const { code, err } = await sensorium('chat', '-m', pair, '-p', 'hello');
    expect(code).toBe(1);
    expect(err).toMatch(/does not converse/);
  });
});

describe('explanations from the command line', () => {
  it('lie on the picture as it was given, whatever tiles it was cut into, and are drawn', async () => {
    const out = join(scratch.path, 'looked.png');
    const ask = ['explain', '-m', model, '-i', wide, '-q', 'w11 w12', '--max-tokens', '3'];
    for (const method of ['relevance', 'input-gradient']) {
      const explained = await sensorium(...ask, '--method', method, '--json', '--out', out);
      expect([explained.code, explained.err]).toEqual([0, '']);
      const {
        picture: size,
        grid,
        tokens,
        overall,
      } = JSON.parse(explained.out) as {
        picture: unknown;
        grid: { rows: number; cols: number };
        tokens: { map: number[] }[];
        overall: number[];
      };
      expect(size).toEqual({ width: 90, height: 30 });
      expect(grid.cols).toBeGreaterThan(grid.rows);
      expect(tokens.length).toBeGreaterThan(0);
      for (const map of [overall, ...tokens.map((token) => token.map)]) {
        expect(map).toHaveLength(grid.rows * grid.cols);
        const sum = map.reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - (sum > 0 ? 1 : 0))).toBeLessThan(1e-4);
      }
      expect((await sharp(out).metadata()).format).toBe('png');
    }
  });

  it('are told in words, with how faithful they are', async () => {
    const ask = ['explain', '-m', model, '-i', picture, '-q', 'w11', '-a', 'w12 w13', '--method', 'attention'];
    const { code, out } = await sensorium(...ask, '--faithfulness');
    expect(code).toBe(0);
    expect(out).toContain('looks most at');
    expect(out).toMatch(/area \d\.\d+ when it is shown first/);
    const unknown = await sensorium(...ask.slice(0, -1), 'magic');
    expect(unknown.code).not.toBe(0);
    expect(unknown.err).toContain("no method 'magic'");
  });
});

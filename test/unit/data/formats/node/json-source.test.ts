import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSampleSource } from '../../../../../src/data/node/index.ts';

const NOW = { seed: 1, epoch: 0 };
let folder: string;
let png: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-json-'));
  png = await sharp({ create: { width: 4, height: 3, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  await mkdir(join(folder, 'pictures'));
  await writeFile(join(folder, 'pictures', 'a.png'), png);
  await writeFile(join(folder, 'pictures', 'broken.png'), png.subarray(0, 20));
  await symlink('/etc/hostname', join(folder, 'pictures', 'link.png'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function open(name: string, text: string, more: object = {}) {
  const path = join(folder, name);
  await writeFile(path, text);
  return openSampleSource({ path, ...more });
}

const llava = (image: string | undefined, value = '<image>\nWhat is this?') => ({
  ...(image === undefined ? {} : { image }),
  id: `row of ${image}`,
  conversations: [
    { from: 'human', value },
    { from: 'gpt', value: 'A cup.' },
  ],
});

describe('conversations in JSON', () => {
  it('reads LLaVA lists, pictures included', async () => {
    const rows = [llava('pictures/a.png'), llava(undefined, 'No picture: say {"[}]"} \\" and "cup".')];
    const source = await open('llava.json', JSON.stringify(rows, undefined, 2));
    expect(source.length).toBe(2);
    const first = await source.sample(0, NOW);
    expect(first.id).toBe('row of pictures/a.png');
    expect(first.conversations).toEqual([
      [
        {
          role: 'user',
          content: [
            { type: 'image', picture: 0 },
            { type: 'text', text: 'What is this?' },
          ],
        },
        { role: 'assistant', content: [{ type: 'text', text: 'A cup.' }] },
      ],
    ]);
    expect(await first.pictures[0]!.open()).toMatchObject({ width: 4, height: 3 });
    const second = await source.sample(1, NOW);
    expect(second.pictures).toEqual([]);
    expect(second.conversations[0]![0]!.content).toEqual([
      { type: 'text', text: 'No picture: say {"[}]"} \\" and "cup".' },
    ]);
    await source.close?.();
  });

  it('reads addresses of files in the folder, with what stands for signs', async () => {
    await writeFile(join(folder, 'pictures', 'a cup.png'), png);
    const images = [`file://${folder}/pictures/a%20cup.png`, `FILE:${folder}/pictures/a.png`, 'file://pictures/a.png'];
    const source = await open('addresses.jsonl', images.map((image) => JSON.stringify(llava(image))).join('\n'));
    for (const i of images.keys()) {
      const { pictures } = await source.sample(i, NOW);
      expect(await pictures[0]!.open()).toMatchObject({ width: 4, height: 3 });
    }
    await source.close?.();
  });

  it('reads JSON Lines with blank lines, a byte order mark and no line end', async () => {
    const lines = `\uFEFF\n${JSON.stringify(llava('pictures/a.png'))}\r\n\n   \n${JSON.stringify(llava(undefined, 'Hi'))}`;
    const source = await open('lines.jsonl', lines);
    expect(source.length).toBe(2);
    expect((await source.sample(1, NOW)).conversations[0]![0]!.content).toEqual([{ type: 'text', text: 'Hi' }]);
    await source.close?.();
  });

  it('finds the lines of a folder, also as .ndjson', async () => {
    await mkdir(join(folder, 'lines'));
    await writeFile(join(folder, 'lines', 'train.ndjson'), `${JSON.stringify(llava(undefined, 'What?'))}\n`);
    const source = await openSampleSource({ path: join(folder, 'lines') });
    expect(source.length).toBe(1);
    await source.close?.();
  });

  it('reads ShareGPT with images and a system text, and places pictures that no marker names', async () => {
    const row = {
      images: ['pictures/a.png', 'pictures/a.png'],
      system: 'Be brief.',
      messages: [
        { role: 'user', content: 'Compare <image> with <image>!' },
        { role: 'assistant', content: 'Equal.' },
      ],
    };
    const unmarked = { image: 'pictures/a.png', conversations: llava(undefined, 'What?').conversations };
    const source = await open('share.jsonl', `${JSON.stringify(row)}\n${JSON.stringify(unmarked)}\n`);
    const [turns] = (await source.sample(0, NOW)).conversations;
    expect(turns![0]).toEqual({ role: 'system', content: [{ type: 'text', text: 'Be brief.' }] });
    expect(turns![1]!.content).toEqual([
      { type: 'text', text: 'Compare ' },
      { type: 'image', picture: 0 },
      { type: 'text', text: ' with ' },
      { type: 'image', picture: 1 },
      { type: 'text', text: '!' },
    ]);
    expect((await source.sample(1, NOW)).conversations[0]![0]!.content[0]).toEqual({ type: 'image', picture: 0 });
    await source.close?.();
  });

  it('reads OpenAI messages: data URLs, paths, and addresses only when allowed', async () => {
    const part = (url: string) => ({ type: 'image_url', image_url: { url } });
    const row = {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'An <image> is:' },
            part(`data:image/png;base64,${png.toString('base64')}`),
            part('pictures/a.png'),
            part('https://192.0.2.1/a.png'),
          ],
        },
        { role: 'assistant', content: 'Red.' },
      ],
    };
    const source = await open('openai.jsonl', JSON.stringify(row));
    const { pictures, conversations } = await source.sample(0, NOW);
    expect(conversations[0]![0]!.content.map((each) => each.type)).toEqual(['text', 'image', 'image', 'image']);
    expect(await pictures[0]!.open()).toMatchObject({ width: 4 });
    expect(await pictures[1]!.open()).toMatchObject({ width: 4 });
    expect(() => pictures[2]!.open()).toThrow(/addresses are not fetched/);
    await source.close?.();
  });

  it('reads boxes of three notations', async () => {
    const value =
      'A <box>[0.1, 0.2, 0.5, 0.6]</box>, B <box>[[100, 200, 500, 600]]</box>, C <box>(100,200),(500,600)</box>.';
    const rows = [
      llava(undefined, value),
      llava(undefined, '<box>[0.5, 0.2, 0.1, 0.6]</box>'),
      llava(undefined, '<box>?</box>'),
    ];
    const source = await open('boxes.json', JSON.stringify(rows));
    const parts = (await source.sample(0, NOW)).conversations[0]![0]!.content;
    expect(parts.filter((each) => each.type === 'box').map((each) => each.box)).toEqual(
      Array.from({ length: 3 }, () => [0.1, 0.2, 0.5, 0.6]),
    );
    await expect(source.sample(1, NOW)).rejects.toThrow(/no box within the picture/);
    expect((await source.sample(2, NOW)).conversations[0]![0]!.content).toEqual([
      { type: 'text', text: '<box>?</box>' },
    ]);
    await source.close?.();
  });
});

describe('hostile and broken files', () => {
  it('keeps pictures within the folder', async () => {
    for (const image of [
      '../secret.png',
      '/etc/hostname',
      'pictures/link.png',
      'pictures/../../x.png',
      'a\0b',
      'file:///etc/%68ostname',
    ]) {
      const source = await open('hostile.jsonl', JSON.stringify(llava(image)));
      const { pictures } = await source.sample(0, NOW);
      await expect(pictures[0]!.open()).rejects.toThrow(/leads out of/);
      await source.close?.();
    }
  });

  it('names file, line and key', async () => {
    const good = JSON.stringify(llava('pictures/a.png'));
    const lines = [good, '', '{"conversations": [{"from": "human"}]}', '{"id": 3, "conver', good];
    const source = await open('broken.jsonl', lines.join('\n'));
    await expect(source.sample(1, NOW)).rejects.toThrow(/broken\.jsonl:3: conversations\[0\]\.value is missing/);
    await expect(source.sample(2, NOW)).rejects.toThrow(/broken\.jsonl:4: not JSON/);
    expect((await source.sample(3, NOW)).id).toBe('row of pictures/a.png');
    await source.close?.();
  });

  it('says what is wrong with a row', async () => {
    const turn = (from: string) => ({ conversations: [{ from, value: 'x' }] });
    const cases: [object, RegExp][] = [
      [{ ...llava('pictures/a.png'), conversations: [] }, /conversations is empty/],
      [llava(undefined), /the texts name 1 picture \(<image>\), and the row has 0/],
      [llava('pictures/a.png', '<image><image>'), /the texts name 2 pictures/],
      [turn('tool'), /from is "tool"/],
      [turn('__proto__'), /from is "__proto__"/],
      [{ ...turn('human'), video: 'a.mp4' }, /video is given/],
      [{ ...turn('human'), images: Array.from({ length: 1001 }, () => 'a') }, /1001 pictures/],
    ];
    const first = JSON.stringify(llava('pictures/a.png'));
    const source = await open('cases.jsonl', [first, ...cases.map(([row]) => JSON.stringify(row))].join('\n'));
    for (const [i, [, message]] of cases.entries()) await expect(source.sample(i + 1, NOW)).rejects.toThrow(message);
    await source.close?.();
  });

  it('refuses lists that are cut off, nested without end, or that go on', async () => {
    const row = JSON.stringify(llava(undefined, 'x'));
    await expect(open('cut.json', `[${row},\n${row.slice(0, 30)}`)).rejects.toThrow(
      /cut\.json:2: the list does not end/,
    );
    await expect(open('more.json', `[${row}]\n[`)).rejects.toThrow(/more\.json:2: something follows/);
    await expect(open('numbers.json', `[1, 2]`)).rejects.toThrow(/more than objects/);
    await expect(open('text.json', 'hello')).rejects.toThrow(/neither/);
    await expect(open('empty.jsonl', ' \n ')).rejects.toThrow(/is empty/);
    await expect(open('none.json', '[]')).rejects.toThrow(/no samples/);
    await expect(open('deep.jsonl', `{"a":${'['.repeat(1e6)}`)).rejects.toThrow(/nested more than 64 deep/);
    await expect(open('strange.jsonl', '{"foo": 1}')).rejects.toThrow(/the columns foo say nothing/);
    await expect(openSampleSource({ path: join(folder, 'nothing.jsonl') })).rejects.toThrow(/does not exist/);
  });

  it('leaves bad samples out when told, and counts them', async () => {
    const rows = [llava('pictures/a.png'), llava('pictures/none.png'), llava('pictures/broken.png')];
    const lines = [...rows.map((row) => JSON.stringify(row)), '{', JSON.stringify(llava(undefined, 'last'))];
    const source = await open('bad.jsonl', lines.join('\n'), { onBadSample: 'skip' });
    const last = await source.sample(1, NOW);
    expect(last.conversations[0]![0]!.content).toEqual([{ type: 'text', text: 'last' }]);
    expect(source).toMatchObject({ skipped: 3 });
    expect((source as unknown as { reasons: string[] }).reasons[0]).toMatch(/none\.png is not in/);
    expect((await source.sample(0, NOW)).pictures[0]!.name).toBe('pictures/a.png');
    await source.close?.();
  });
});

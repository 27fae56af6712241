import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDecoder } from '../../../../src/auto/node/index.ts';
import { TextTokenizer } from '../../../../src/data/index.ts';
import { Decoding, generate } from '../../../../src/generate/index.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import { CHAT_TOKENIZER, writeChatFolder } from '../../../chat-folder.ts';

const twin = fileURLToPath(new URL('../../../parity/fixtures/decoders/llama', import.meta.url));
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'load-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function folderWith(change: Record<string, unknown> = {}): Promise<string> {
  return writeChatFolder(await mkdtemp(join(scratch, 'model-')), change);
}

const user = [{ role: 'user', content: 'what is this' }] as const;

describe('loadDecoder', () => {
  it('opens a folder that answers', async () => {
    const { model, weights, tokenizer: words, chatTemplates, stopTokens } = await loadDecoder(await folderWith());
    expect(stopTokens).toEqual([3]);
    const text = chatTemplates!.render(user, { addGenerationPrompt: true });
    expect(text).toBe('<s>user: what is this\nassistant: ');
    const runtime = await createRuntime({ threads: 1 });
    const decoding = await Decoding.create(runtime, model, weights);
    const prompt = words.encode(text, { specialTokens: false });
    const tokens: number[] = [];
    const stream = words.stream();
    let streamed = '';
    for await (const { token } of generate(decoding, [prompt], { maxNewTokens: 20, stopTokens })) {
      tokens.push(token);
      streamed += stream.push(token);
    }
    expect(tokens.length).toBeGreaterThan(0);
    expect((streamed + stream.end()).trim()).toBe(words.decode(tokens).trim());
    decoding.dispose();
    await runtime.dispose();
  });

  it("reads through the links of the ecosystem's cache", async () => {
    const real = await folderWith();
    const cache = await mkdtemp(join(scratch, 'models--a--b-'));
    const folder = join(cache, 'snapshots', '0123456789abcdef0123456789abcdef01234567');
    await mkdir(folder, { recursive: true });
    await rename(real, join(cache, 'blobs'));
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
      await symlink(join('..', '..', 'blobs', name), join(folder, name));
    const { weights } = await loadDecoder(folder);
    expect(weights.folder).not.toBe(folder);
    await readFile(join(weights.folder, [...weights.places.values()][0]!.location));
  });

  it('finds the template in each of its places', async () => {
    const rendered = async (change: Record<string, unknown>): Promise<string | undefined> =>
      (await loadDecoder(await folderWith(change))).chatTemplates?.render(user);
    const bare = { 'tokenizer_config.json': {} };
    expect(await rendered(bare)).toBeUndefined();
    expect(await rendered({ ...bare, 'chat_template.jinja': 'J {{ messages | length }}' })).toBe('J 1');
    expect(await rendered({ ...bare, 'chat_template.json': { chat_template: 'O' } })).toBe('O');
    const list = [
      { name: 'tools', template: 'T' },
      { name: 'default', template: 'D' },
    ];
    expect(await rendered({ 'tokenizer_config.json': { chat_template: list } })).toBe('D');
    expect(await rendered({ 'chat_template.jinja': 'newer' })).toBe('newer');
  });

  it('finds what ends an answer', async () => {
    const ends = async (change: Record<string, unknown>): Promise<readonly number[]> =>
      (await loadDecoder(await folderWith(change))).stopTokens;
    const config = JSON.parse(await readFile(join(twin, 'config.json'), 'utf8')) as object;
    const none = { 'generation_config.json': undefined, 'config.json': { ...config, eos_token_id: null } };
    expect(await ends({ ...none, 'config.json': { ...config, eos_token_id: 7 } })).toEqual([7]);
    expect(await ends({ 'generation_config.json': { eos_token_id: [3, 5] } })).toEqual([3, 5]);
    expect(await ends(none)).toEqual([TextTokenizer.parse(CHAT_TOKENIZER).id('[PAD]')]);
    expect(await ends({ ...none, 'tokenizer_config.json': {} })).toEqual([]);
  });

  it.each([
    [{ 'config.json': { model_type: 'gpt9' } }, "model_type 'gpt9' is not a decoder"],
    [{ 'config.json': {} }, 'model_type'],
    [{ 'config.json': '{' }, 'not JSON'],
    [{ 'tokenizer.json': undefined }, 'no tokenizer.json'],
    [{ 'tokenizer.json': {} }, 'tokenizer.json'],
    [{ 'generation_config.json': { eos_token_id: -1 } }, 'eos_token_id'],
    [{ 'chat_template.jinja': '{% if %}' }, 'is not Jinja'],
    [{ 'chat_template.json': { chat_template: 5 } }, 'neither a text nor a list'],
    [{ 'model.safetensors': 'short' }, 'model.safetensors'],
  ] satisfies [Record<string, unknown>, string][])('says what is wrong: %j', async (change, message) => {
    const failure: unknown = await loadDecoder(await folderWith(change)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'checkpoint', message: expect.stringContaining(message) });
  });

  it('refuses weights of another shape', async () => {
    const config = JSON.parse(await readFile(join(twin, 'config.json'), 'utf8')) as object;
    const folder = await folderWith({ 'config.json': { ...config, intermediate_size: 81 } });
    await expect(loadDecoder(folder)).rejects.toThrow(/6 misshaped/);
  });
});

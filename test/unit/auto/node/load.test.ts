import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LanguageModel } from '../../../../src/auto/index.ts';
import { load, openModel } from '../../../../src/auto/node/index.ts';
import { TextTokenizer } from '../../../../src/data/index.ts';
import { chat, Conversation } from '../../../../src/tasks/index.ts';
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

async function languageModel(folder: string): Promise<LanguageModel> {
  const model = await load(folder, { threads: 1 });
  if (!(model instanceof LanguageModel)) throw new Error(`${model.kind} model`);
  return model;
}

describe('load', () => {
  it('opens a folder that answers', async () => {
    const model = await languageModel(await folderWith());
    const { tokenizer, stopTokens } = model.parts;
    expect(stopTokens).toEqual([3]);
    const prompt = await model.prompt(user);
    expect(tokenizer.decode(prompt.tokens, { specialTokens: true })).toContain('what is this');
    const { text, tokens, finish } = await chat(model, user, { maxNewTokens: 20 });
    expect(tokens.length).toBeGreaterThan(0);
    expect(tokens.at(-1)!.finish).toBe(finish);
    const written = finish === 'stop' ? tokens.slice(0, -1) : tokens;
    expect(text.trim()).toBe(tokenizer.decode(written.map(({ token }) => token)).trim());
    await model.dispose();
  });

  it('converses: each turn reads what came before', async () => {
    const model = await languageModel(await folderWith());
    const conversation = new Conversation(model, { system: 'house' });
    const options = { maxNewTokens: 6 };
    const ask = async (question: string): Promise<string> => {
      let text = '';
      for await (const piece of conversation.ask(question, [], options)) text += piece.text;
      return text;
    };
    const answers = [await ask('what is this'), await ask('a red apple')];
    expect(conversation.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user', 'assistant']);
    expect((await chat(model, conversation.messages.slice(0, 4), options)).text).toBe(answers[1]);
    const picture = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;
    await expect(conversation.ask('what is this', [picture]).next()).rejects.toThrow('reads no pictures');
    expect(conversation.messages).toHaveLength(5);
    conversation.clear();
    expect(await ask('what is this')).toBe(answers[0]);
    conversation.dispose();
    await model.dispose();
  });

  it('takes what generation_config.json says where options say nothing', async () => {
    const model = await languageModel(
      await folderWith({ 'generation_config.json': { do_sample: true, temperature: 2, top_k: 40, eos_token_id: 3 } }),
    );
    const text = async (seed: number): Promise<string> =>
      (await chat(model, user, { seed, maxNewTokens: 12 })).tokens.map(({ token }) => token).join();
    expect(await text(1)).toBe(await text(1));
    expect(await text(1)).not.toBe(await text(2));
    const greedy = await chat(model, user, { temperature: 0, maxNewTokens: 12 });
    expect(await chat(model, user, { temperature: 0, maxNewTokens: 12 })).toEqual(greedy);
    await model.dispose();
  });

  it("reads through the links of the ecosystem's cache", async () => {
    const real = await folderWith();
    const cache = await mkdtemp(join(scratch, 'models--a--b-'));
    const folder = join(cache, 'snapshots', '0123456789abcdef0123456789abcdef01234567');
    await mkdir(folder, { recursive: true });
    await rename(real, join(cache, 'blobs'));
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
      await symlink(join('..', '..', 'blobs', name), join(folder, name));
    const { weights } = await openModel(folder);
    expect(weights.folder).not.toBe(folder);
    await readFile(join(weights.folder, [...weights.places.values()][0]!.location));
  });

  it('finds the template in each of its places', async () => {
    const rendered = async (change: Record<string, unknown>): Promise<string | undefined> =>
      (await openModel(await folderWith(change))).tokenizer!.chatTemplates?.render(user);
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
      (await openModel(await folderWith(change))).stopTokens;
    const config = JSON.parse(await readFile(join(twin, 'config.json'), 'utf8')) as object;
    const none = { 'generation_config.json': undefined, 'config.json': { ...config, eos_token_id: null } };
    expect(await ends({ ...none, 'config.json': { ...config, eos_token_id: 7 } })).toEqual([7]);
    expect(await ends({ 'generation_config.json': { eos_token_id: [3, 5] } })).toEqual([3, 5]);
    expect(await ends(none)).toEqual([TextTokenizer.parse(CHAT_TOKENIZER).id('[PAD]')]);
    expect(await ends({ ...none, 'tokenizer_config.json': {} })).toEqual([]);
  });

  it.each([
    [{ 'config.json': { model_type: 'gpt9' } }, "model_type 'gpt9' is not an architecture"],
    [{ 'config.json': {} }, 'model_type'],
    [{ 'config.json': '{' }, 'not JSON'],
    [{ 'tokenizer.json': undefined }, 'no tokenizer.json'],
    [{ 'tokenizer.json': {} }, 'tokenizer.json'],
    [{ 'generation_config.json': { eos_token_id: -1 } }, 'eos_token_id'],
    [{ 'chat_template.jinja': '{% if %}' }, 'is not Jinja'],
    [{ 'chat_template.json': { chat_template: 5 } }, 'neither a text nor a list'],
    [{ 'model.safetensors': 'short' }, 'model.safetensors'],
  ] satisfies [Record<string, unknown>, string][])('says what is wrong: %j', async (change, message) => {
    const failure: unknown = await load(await folderWith(change)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'checkpoint', message: expect.stringContaining(message) });
  });

  it('refuses weights of another shape', async () => {
    const config = JSON.parse(await readFile(join(twin, 'config.json'), 'utf8')) as object;
    const folder = await folderWith({ 'config.json': { ...config, intermediate_size: 81 } });
    await expect(openModel(folder)).rejects.toThrow(/6 misshaped/);
  });
});

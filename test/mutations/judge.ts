/** Opens what a mutation left and says what came of it. Runs in the child process. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PairModel } from '../../src/auto/index.ts';
import { openModel } from '../../src/auto/node/index.ts';
import { byteSize, CheckpointError, elementCount, SensoriumError } from '../../src/core/index.ts';
import type { CheckpointTokenizer } from '../../src/data/index.ts';
import { decodePicture } from '../../src/data/node/index.ts';
import { Decoding, generate, PictureEncoder } from '../../src/generate/index.ts';
import type { LocatedWeights } from '../../src/hub/node/index.ts';
import { type GeneratingModel, readsPictures } from '../../src/models/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import type { Changes, Files, Verdict } from './mutation.ts';

/** Longer messages would carry hostile contents to wherever they are shown. */
const MAX_MESSAGE = 4000;
const CONVERSATION = [
  { role: 'user', content: 'what is this' },
  { role: 'assistant', content: 'a red apple' },
  { role: 'user', content: 'a cat' },
];
const TEXTS = ['what is this', 'Ünïcödé 🦊 \u0000', 'a'.repeat(5000), ' \n'.repeat(2500), 'ab '.repeat(2000)];

let runtime: Runtime | undefined;

/** Writes a folder and opens it as a program would, the engine included. */
export async function judgeFolder(scratch: string, files: Files, changes: Changes): Promise<Verdict> {
  const root = mkdtempSync(join(scratch, 'case-'));
  const folder = join(root, 'model');
  try {
    mkdirSync(folder);
    writeFileSync(join(root, 'secret.json'), '{"model_type":"llama"}');
    writeFileSync(join(root, 'secret.safetensors'), files['model.safetensors'] as Uint8Array);
    for (const [name, contents] of Object.entries({ ...files, ...changes }))
      writeContents(join(folder, name), contents);
    return await judged(() => runModel(folder));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Decodes a picture as a program would. */
export async function judgePicture(bytes: Uint8Array): Promise<Verdict> {
  return judged(async () => {
    const { width, height, channels, data } = await decodePicture(bytes, 'hostile.img', { maxSeconds: 4 });
    require(width >= 1 && height >= 1 && width * height <= 50_000_000, `${width} × ${height} pixels`);
    require(data.length === width * height * channels, `${data.length} bytes for ${width} × ${height} × ${channels}`);
  });
}

/** Opens the model, renders and encodes texts, and runs it; throws where a result is not sound. */
async function runModel(folder: string): Promise<void> {
  const { architecture, weights, tokenizer, stopTokens } = await openModel(folder);
  const { kind, model } = architecture;
  checkPlaces(weights);
  require(weights.places.size === model.parameters().size, `${weights.places.size} weights`);
  require(stopTokens.every((token) => Number.isSafeInteger(token) && token >= 0), `stop tokens ${stopTokens.join()}`);
  if (tokenizer === undefined) throw new CheckpointError('no tokenizer.json', 'as `load` says');
  const vocabulary = kind === 'generating' ? model.generation.vocabularySize : tokenizer.vocabularySize;
  checkTexts(tokenizer, vocabulary);
  if (kind === 'pair') {
    const none = (): never => {
      throw new Error('no picture is encoded here');
    };
    const pictures = { batch: none, frame: none };
    // Such a model owns its runtime.
    const own = await createRuntime({ threads: 1 });
    const pair = await PairModel.create('pair', { runtime: own, model, weights, tokenizer, pictures });
    try {
      require((await pair.textFeatures(['what is this'])).shape.length === 2, 'features');
    } finally {
      await pair.dispose();
    }
  } else if (kind === 'generating') {
    runtime ??= await createRuntime({ threads: 1 });
    await runDecoder(runtime, model, weights, stopTokens);
  }
}

async function runDecoder(
  engine: Runtime,
  model: GeneratingModel,
  weights: LocatedWeights,
  stopTokens: readonly number[],
): Promise<void> {
  if (readsPictures(model)) (await PictureEncoder.create(engine, model, weights)).dispose();
  const decoding = await Decoding.create(engine, model, weights);
  try {
    const prompts = [{ tokens: [1] }, { tokens: [1, 2] }];
    let tokens = 0;
    for await (const { token } of generate(decoding, prompts, { maxNewTokens: 2, stopTokens })) {
      require(token >= 0 && token < decoding.vocabularySize, `the token ${token} written`);
      tokens++;
    }
    require(tokens >= 2 && tokens <= 4, `${tokens} tokens written`);
  } finally {
    decoding.dispose();
  }
}

function checkTexts(tokenizer: CheckpointTokenizer, vocabulary: number): void {
  const texts = [...TEXTS];
  if (tokenizer.chatTemplates !== undefined) {
    const text = tokenizer.chatTemplates.render(CONVERSATION, { addGenerationPrompt: true });
    require(typeof text === 'string' && text.length <= 16_000_000, 'a rendered template');
    texts.push(text.slice(0, 5000));
  }
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
    require(wrong === undefined, `a token ${wrong} for a model of ${vocabulary}`);
    require(ids.length <= 20 * text.length + 2000, `${ids.length} tokens for ${text.length} letters`);
    require(typeof tokenizer.decode(ids) === 'string', 'a decoded text');
  }
}

function checkPlaces({ folder, places }: LocatedWeights): void {
  for (const [path, { location, offset, length, dtype, shape }] of places) {
    require(!/[\\/\0]/.test(location), `${path} lies in ${location}`);
    require(length === elementCount(shape) * byteSize(dtype), `${path} has ${length} bytes`);
    require(offset >= 8 && offset + length <= statSync(join(folder, location)).size, `${path} lies beyond its file`);
  }
}

async function judged(work: () => Promise<void>): Promise<Verdict> {
  try {
    await work();
    if (({} as { polluted?: unknown }).polluted !== undefined)
      return { kind: 'fault', what: 'a prototype was changed' };
    return { kind: 'loaded' };
  } catch (error) {
    if (!(error instanceof SensoriumError)) return { kind: 'fault', what: describe(error) };
    if (error.message.length > MAX_MESSAGE)
      return { kind: 'fault', what: `a message of ${error.message.length} letters: ${error.message.slice(0, 200)}` };
    if (error.hint === undefined) return { kind: 'fault', what: `says not what to do: ${error.message}` };
    return { kind: 'refused', error: error.name, message: error.message };
  }
}

function describe(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}\n${error.stack ?? ''}`.slice(0, 1500)
    : String(error);
}

/** Results that are not sound are faults of ours, so this is no SensoriumError. */
function require(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not sound: ${what}`);
}

function writeContents(path: string, contents: Changes[string]): void {
  if (contents === undefined) return;
  if (typeof contents === 'string' || contents instanceof Uint8Array) writeFileSync(path, contents);
  else if ('link' in contents) symlinkSync(contents.link, path);
  else if ('pipe' in contents) execFileSync('mkfifo', [path]);
  else if ('folder' in contents) mkdirSync(path);
  else {
    writeFileSync(path, '');
    truncateSync(path, contents.zeros);
  }
}

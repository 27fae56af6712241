import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { CheckpointError, DataError } from '../../core/index.ts';
import type { ChatMessage } from '../../data/index.ts';
import type { GeneratedToken, GenerateOptions } from '../../generate/index.ts';
import { printable } from '../report-error.ts';

interface ChatOptions {
  readonly model: string;
  readonly prompt?: string;
  readonly system?: string;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
  readonly threads?: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  sensorium chat --model ./SmolLM2-135M-Instruct
  sensorium chat --model ./SmolLM2-135M-Instruct --prompt "Name three fruits." --temperature 0.7 --seed 1
  sensorium chat --model ./Qwen3-0.6B --prompt "Name three fruits." --json

The folder holds config.json, model.safetensors (or its shards), tokenizer.json and a chat template, as they are on the
Hugging Face Hub. Llama-like models, Qwen2 and Qwen3 can be loaded.
`;

/** `sensorium chat`. */
export function registerChat(program: Command): void {
  program
    .command('chat')
    .description('talk with a language model')
    .requiredOption('-m, --model <dir>', 'folder of the checkpoint')
    .option('-p, --prompt <text>', 'ask this one question and end')
    .option('--system <text>', 'instructions that stand before the conversation')
    .option('--max-tokens <n>', 'most tokens of an answer', number)
    .option('--temperature <x>', '0 takes the likeliest token; about 1 varies', number)
    .option('--top-p <x>', 'draw from the likeliest tokens that together reach this probability', number)
    .option('--top-k <n>', 'draw from this many of the likeliest tokens', number)
    .option('--seed <n>', 'the same seed gives the same answer', number)
    .option('--threads <n>', 'processors to use; all unless told', number)
    .option('--json', 'print the answer as JSON, with its tokens and their log-probabilities (needs --prompt)')
    .addHelpText('after', EXAMPLES)
    .action(chatAction);
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

async function chatAction(options: ChatOptions): Promise<void> {
  if (options.json === true && options.prompt === undefined)
    throw new DataError('--json prints one answer', 'add --prompt "…"');
  const chat = await Conversation.open(options);
  try {
    if (options.prompt === undefined) await chat.converse();
    else await chat.answerOnce(options.prompt, options.json === true);
  } finally {
    await chat.dispose();
  }
}

/** A model that is ready, and what was said so far. */
class Conversation {
  readonly #parts: Awaited<ReturnType<typeof openParts>>;
  readonly #generation: GenerateOptions;
  readonly #messages: ChatMessage[] = [];

  private constructor(parts: Awaited<ReturnType<typeof openParts>>, options: ChatOptions) {
    this.#parts = parts;
    const { maxTokens, temperature, topP, topK, seed } = options;
    this.#generation = {
      stopTokens: parts.stopTokens,
      logProbabilities: options.json === true,
      ...(maxTokens === undefined ? {} : { maxNewTokens: maxTokens }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(topP === undefined ? {} : { topP }),
      ...(topK === undefined ? {} : { topK }),
      ...(seed === undefined ? {} : { seed }),
    };
    if (options.system !== undefined) this.#messages.push({ role: 'system', content: options.system });
  }

  static async open(options: ChatOptions): Promise<Conversation> {
    return new Conversation(await openParts(options), options);
  }

  async answerOnce(prompt: string, json: boolean): Promise<void> {
    const tokens: GeneratedToken[] = [];
    const text = await this.#answer(prompt, undefined, (token, piece) => {
      tokens.push(token);
      if (!json) process.stdout.write(printable(piece));
    });
    if (!json) {
      process.stdout.write('\n');
      return;
    }
    const pieces = tokens.map(({ token, logProbability = 0 }) => ({
      token,
      text: this.#parts.tokenizer.decode([token]),
      logProbability: Number(logProbability.toPrecision(6)),
    }));
    process.stdout.write(`${JSON.stringify({ text, finish: tokens.at(-1)?.finish, tokens: pieces })}\n`);
  }

  /** Questions and answers until the input ends. Ctrl-C stops an answer, and between answers the conversation. */
  async converse(): Promise<void> {
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    const note = process.stdout.isTTY ? '/new starts anew, /bye ends, Ctrl-C stops an answer\n' : '';
    process.stdout.write(note);
    let answering: AbortController | undefined;
    lines.on('SIGINT', () => (answering === undefined ? lines.close() : answering.abort(STOPPED)));
    lines.setPrompt('> ');
    lines.prompt();
    for await (const line of lines) {
      const question = line.trim();
      if (question === '/bye') break;
      if (question === '/new') this.#messages.splice(this.#messages[0]?.role === 'system' ? 1 : 0);
      else if (question !== '') {
        answering = new AbortController();
        try {
          await this.#answer(question, answering.signal, (_, piece) => process.stdout.write(printable(piece)));
        } catch (error) {
          if (error !== STOPPED) throw error;
        }
        answering = undefined;
        process.stdout.write('\n');
      }
      lines.prompt();
    }
    lines.close();
  }

  async #answer(
    question: string,
    signal: AbortSignal | undefined,
    show: (token: GeneratedToken, piece: string) => void,
  ): Promise<string> {
    const { decoding, cache, tokenizer, chatTemplates, generate } = this.#parts;
    this.#messages.push({ role: 'user', content: question });
    const prompt = tokenizer.encode(chatTemplates.render(this.#messages, { addGenerationPrompt: true }), {
      specialTokens: false,
    });
    const stream = tokenizer.stream();
    let text = '';
    try {
      for await (const token of generate(decoding, [prompt], {
        ...this.#generation,
        cache,
        ...(signal === undefined ? {} : { signal }),
      })) {
        const piece = token.finish === 'stop' ? stream.end() : stream.push(token.token);
        text += piece;
        show(token, piece);
      }
      text += stream.end();
    } finally {
      // An answer that was stopped stays in the conversation as far as it came.
      this.#messages.push({ role: 'assistant', content: text });
    }
    return text;
  }

  async dispose(): Promise<void> {
    this.#parts.cache.dispose();
    this.#parts.decoding.dispose();
    await this.#parts.runtime.dispose();
  }
}

const STOPPED = new Error('the answer was stopped');

/** Imports only now what takes time to load. */
async function openParts({ model: folder, threads }: ChatOptions) {
  const [{ loadDecoder }, { Decoding, generate, PromptCache }, { createRuntime }] = await Promise.all([
    import('../../auto/node/index.ts'),
    import('../../generate/index.ts'),
    import('../../runtime/node/index.ts'),
  ]);
  const { model, weights, tokenizer, chatTemplates, stopTokens } = await loadDecoder(folder);
  if (chatTemplates === undefined)
    throw new CheckpointError(
      `${folder} has no chat template`,
      'this model only continues texts; use one that was tuned for conversations, often called Instruct or Chat',
    );
  const runtime = await createRuntime(threads === undefined ? {} : { threads });
  try {
    const decoding = await Decoding.create(runtime, model, weights);
    const cache = new PromptCache(decoding);
    return { runtime, decoding, cache, tokenizer, chatTemplates, stopTokens, generate };
  } catch (error) {
    await runtime.dispose();
    throw error;
  }
}

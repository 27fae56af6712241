import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { AnswerPiece, LanguageModel } from '../../auto/index.ts';
import { DataError, SensoriumError } from '../../core/index.ts';
import type { Picture } from '../../data/index.ts';
import type { Conversation } from '../../tasks/index.ts';
import { collect } from '../arguments.ts';
import { printAnswer } from '../model/answer.ts';
import { addConstraintOptions, type ConstraintFlags, constraintOptions } from '../model/constraint.ts';
import { loadLanguageModel, openPictures } from '../model/load.ts';
import {
  addGenerationOptions,
  addModelOptions,
  type GenerationFlags,
  generationOptions,
  type ModelOptions,
} from '../model/options.ts';
import { printable } from '../report-error.ts';

interface ChatOptions extends ModelOptions, GenerationFlags, ConstraintFlags {
  readonly prompt?: string;
  readonly image?: readonly string[];
  readonly system?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  sensorium chat --model HuggingFaceTB/SmolVLM-256M-Instruct
  sensorium chat --model ./SmolVLM-256M-Instruct --image cup.png --prompt "What is this?"
  sensorium chat --model ./Qwen3-0.6B --prompt "Name three fruits." --temperature 0.7 --seed 1 --json
  sensorium chat --model ./SmolVLM-256M-Instruct --image cup.png --prompt "What is this?" --json-schema answer.json

Within a conversation: /image FILE shows a picture with the next question, /new begins anew, /bye ends, and Ctrl-C stops
an answer. Models are read straight from their files, as they are on the Hugging Face Hub.
`;

/** `sensorium chat`. */
export function registerChat(program: Command): void {
  const command = program.command('chat').description('talk with a model, about pictures too where it sees');
  addConstraintOptions(addGenerationOptions(addModelOptions(command)))
    .option('-p, --prompt <text>', 'ask this one question and end')
    .option('-i, --image <source>', 'a picture by path, address or data URL; may be repeated', collect)
    .option('--system <text>', 'instructions that stand before the conversation')
    .option('--json', 'print the answer as JSON, with its tokens and their log-probabilities (needs --prompt)')
    .addHelpText('after', EXAMPLES)
    .action(chatAction);
}

async function chatAction(options: ChatOptions): Promise<void> {
  if (options.json === true && options.prompt === undefined)
    throw new DataError('--json prints one answer', 'add --prompt "…"');
  const pictures = await openPictures(options.image);
  const { Conversation } = await import('../../tasks/index.ts');
  const model = await loadLanguageModel(options);
  let conversation: Conversation | undefined;
  try {
    const form = await constraintOptions(options, model);
    const open = (conversation = new Conversation(model, { system: options.system }));
    const ask = (question: string, shown: readonly Picture[], signal?: AbortSignal): AsyncIterable<AnswerPiece> =>
      open.ask(question, shown, {
        ...generationOptions(options),
        ...form,
        logProbabilities: options.json === true,
        ...(signal === undefined ? {} : { signal }),
      });
    if (options.prompt === undefined) await converse(model, open, pictures, ask);
    else await printAnswer(model, ask(options.prompt, pictures), options.json === true);
  } finally {
    conversation?.dispose();
    await model.dispose();
  }
}

const STOPPED = new Error('the answer was stopped');

/** Questions and answers until the input ends. Ctrl-C stops an answer, and between answers the conversation. */
async function converse(
  model: LanguageModel,
  conversation: Conversation,
  first: readonly Picture[],
  ask: (question: string, pictures: readonly Picture[], signal: AbortSignal) => AsyncIterable<AnswerPiece>,
): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const see = model.readsPictures ? '/image FILE shows a picture, ' : '';
  if (process.stdout.isTTY) process.stdout.write(`${see}/new starts anew, /bye ends, Ctrl-C stops an answer\n`);
  let answering: AbortController | undefined;
  let pictures = [...first];
  lines.on('SIGINT', () => (answering === undefined ? lines.close() : answering.abort(STOPPED)));
  lines.setPrompt('> ');
  lines.prompt();
  for await (const line of lines) {
    const question = line.trim();
    if (question === '/bye') break;
    if (question === '/new') {
      conversation.clear();
      pictures = [];
    } else if (question.startsWith('/image')) {
      pictures.push(...(await shownPicture(question.slice('/image'.length).trim())));
    } else if (question !== '') {
      answering = new AbortController();
      try {
        for await (const { text } of ask(question, pictures, answering.signal)) process.stdout.write(printable(text));
      } catch (error) {
        if (error !== STOPPED) throw error;
      }
      answering = undefined;
      pictures = [];
      process.stdout.write('\n');
    }
    lines.prompt();
  }
  lines.close();
}

/** A picture that cannot be read must not end a conversation. */
async function shownPicture(source: string): Promise<Picture[]> {
  try {
    if (source === '') throw new DataError('/image names no picture', 'write /image FILE');
    const pictures = await openPictures([source]);
    const [{ width, height }] = pictures as [Picture];
    process.stdout.write(`${width} × ${height} pixels; ask about it\n`);
    return pictures;
  } catch (error) {
    if (!(error instanceof SensoriumError)) throw error;
    process.stdout.write(`${printable(error.message)}\n`);
    return [];
  }
}

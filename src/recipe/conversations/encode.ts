/** From a sample to tokens, and which of them are learned: those that the assistant says. */
// T tokens
import { CheckpointError, DataError, Recent } from '../../core/index.ts';
import type {
  ChatMessage,
  ChatTemplates,
  CheckpointTokenizer,
  ContentPart,
  JoinedTokens,
  Picture,
  Sample,
  SamplePart,
  SampleTurn,
} from '../../data/index.ts';
import type { ImageTextProcessor, PreparedPicture } from '../../models/index.ts';
import { findingsOf } from './findings.ts';
import type { Looks } from './looking.ts';

/** What turns samples into tokens. */
export interface ConversationReader {
  readonly tokenizer: CheckpointTokenizer;
  /** Absent in models that read no pictures. */
  readonly processor?: ImageTextProcessor | undefined;
  /** Where answers are to be written in smaller tokens. */
  readonly joined?: JoinedTokens | undefined;
}

/** One conversation as the model reads it. */
export interface EncodedConversation {
  /** T ids, with an image token for each row of features. */
  readonly tokens: readonly number[];
  /** T numbers: 1 where the token belongs to what the assistant says, its end included. */
  readonly learned: Uint8Array;
  /** T numbers: which finding of its answer a token says, from 1; 0 for none. Absent where there is none. */
  readonly findings?: Uint8Array;
  /** What was encoded, before image markers were spread out. */
  readonly text: string;
  /** Where the decoder is to look; where an objective asks for it. */
  readonly looks?: Looks;
}

/** A sample as the model reads it. */
export interface EncodedSample {
  readonly id: string;
  readonly conversations: readonly EncodedConversation[];
  readonly pictures: readonly PreparedPicture[];
  /** See {@link Sample.retained}. */
  readonly retained?: boolean;
}

/**
 * Writes each conversation as the chat template has it and finds the assistant's tokens.
 * @throws DataError naming the sample: a picture that cannot be read, a conversation that the template refuses, no turn of
 *   the assistant; CheckpointError when the model has no chat template
 */
export async function encodeSample(sample: Sample, reader: ConversationReader): Promise<EncodedSample> {
  const pictures: Picture[] = [];
  for (const { name, open } of sample.pictures) pictures.push(await naming(`${sample.id}: ${name}`, open));
  let prepared: readonly PreparedPicture[] = [];
  const conversations: EncodedConversation[] = [];
  for (const [number, turns] of sample.conversations.entries()) {
    const where = sample.conversations.length === 1 ? sample.id : `${sample.id}, conversation ${number}`;
    const encoded = await naming(where, () => encodeConversation(turns, pictures, reader));
    conversations.push(encoded.conversation);
    if (encoded.pictures.length > prepared.length) prepared = encoded.pictures;
  }
  // Where nothing is said, pictures are seen all the same: objectives of pictures alone count on one of each sample.
  if (conversations.length === 0) prepared = await naming(sample.id, () => preparePictures(pictures, reader));
  return { id: sample.id, conversations, pictures: prepared, retained: sample.retained === true };
}

/** Errors of data with the place where they happened. */
async function naming<T>(where: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new DataError(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, undefined, { cause });
  }
}

function preparePictures(
  pictures: readonly Picture[],
  { tokenizer, processor }: ConversationReader,
): readonly PreparedPicture[] {
  if (processor === undefined || pictures.length === 0) return [];
  const content = pictures.map((): ContentPart => ({ type: 'image' }));
  return processor.prepare(templatesOf(tokenizer).render([{ role: 'user', content }]), pictures).pictures;
}

function templatesOf({ chatTemplates }: CheckpointTokenizer): ChatTemplates {
  if (chatTemplates === undefined)
    throw new CheckpointError('the model has no chat template', 'use one that was tuned for conversations');
  return chatTemplates;
}

/** What templates wrote before answers: questions come again, and a template takes as long as all else that a text needs. */
const beginnings = new WeakMap<ChatTemplates, Recent<string>>();
const BEGINNINGS = 8192;

/** The beginning of `text`: the conversation up to where the assistant speaks next. */
function beginningOf(text: string, messages: readonly ChatMessage[], templates: ChatTemplates): string {
  const write = (): string => templates.render(messages, { addGenerationPrompt: true });
  const recent = beginnings.get(templates) ?? new Recent<string>(BEGINNINGS);
  beginnings.set(templates, recent);
  const known = recent.get(JSON.stringify(messages), write);
  // A template may write the date, which changes.
  return text.startsWith(known) ? known : write();
}

function encodeConversation(
  turns: readonly SampleTurn[],
  pictures: readonly Picture[],
  { tokenizer, processor }: ConversationReader,
): { conversation: EncodedConversation; pictures: readonly PreparedPicture[] } {
  const templates = templatesOf(tokenizer);
  const shown = turns.flatMap(({ content }) =>
    content.flatMap((part) => (part.type === 'image' ? [pictureOf(pictures, part.picture)] : [])),
  );
  if (shown.length > 0 && processor === undefined)
    throw new DataError('the model reads no pictures', 'use a model that does, or leave the pictures out');
  const messages = turns.map((turn) => asMessage(turn, pictures, processor));
  const text = templates.render(messages);
  const spans = assistantSpans(messages, text, templates);
  const whole =
    processor === undefined
      ? { tokens: tokenizer.encode(text, { specialTokens: false }), pictures: [] }
      : processor.prepare(text, shown);
  const learned = new Uint8Array(whole.tokens.length);
  let findings: Uint8Array | undefined;
  const answers = turns.filter(({ role }) => role === 'assistant');
  for (const [i, { start, end }] of spans.entries()) {
    const [from, to] = [start, end].map((letter) => tokensBefore(text, letter, whole.tokens, tokenizer));
    learned.fill(1, from, to);
    const found = findingsOf(answers[i]!, whole.tokens.slice(from, to), tokenizer.tokenBytes());
    if (found !== undefined) (findings ??= new Uint8Array(learned.length)).set(found, from);
  }
  const conversation = { tokens: whole.tokens, learned, text, ...(findings === undefined ? {} : { findings }) };
  return { conversation, pictures: whole.pictures };
}

function pictureOf(pictures: readonly Picture[], number: number): Picture {
  const found = pictures[number];
  if (found === undefined)
    throw new DataError(`picture ${number} of ${pictures.length}`, 'correct the numbers of the pictures');
  return found;
}

function asMessage(
  { role, content }: SampleTurn,
  pictures: readonly Picture[],
  processor: ImageTextProcessor | undefined,
): ChatMessage {
  const text = (part: SamplePart): string => {
    if (part.type === 'text') return part.text;
    if (part.type === 'image') return '';
    const [picture] = pictures;
    const written = picture === undefined ? undefined : processor?.grounding?.write?.(part.box, picture);
    return written ?? `[${part.box.map((side) => side.toFixed(3)).join(', ')}]`;
  };
  if (processor === undefined) return { role, content: content.map(text).join('') };
  const parts: ContentPart[] = [];
  for (const part of content) {
    const last = parts.at(-1);
    if (part.type === 'image') parts.push({ type: 'image' });
    else if (last?.type === 'text') parts[parts.length - 1] = { type: 'text', text: `${last.text}${text(part)}` };
    else parts.push({ type: 'text', text: text(part) });
  }
  return { role, content: parts };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Letters of what the assistant says, with what ends its turns. */
function assistantSpans(messages: readonly ChatMessage[], text: string, templates: ChatTemplates): Span[] {
  const spans: Span[] = [];
  for (const [i, { role }] of messages.entries()) {
    if (role !== 'assistant') continue;
    const before = beginningOf(text, messages.slice(0, i), templates);
    const after = i === messages.length - 1 ? text : templates.render(messages.slice(0, i + 1));
    if (!text.startsWith(before) || !text.startsWith(after))
      throw new DataError(
        `the chat template writes turn ${i + 1} otherwise once others follow, so that its tokens cannot be told apart`,
        'give conversations of one question and one answer',
      );
    // A line break after the end of the turn is not learned.
    spans.push({ start: before.length, end: after.trimEnd().length });
  }
  if (spans.length === 0)
    throw new DataError('the assistant says nothing, so that there is nothing to learn', 'add its answer');
  return spans;
}

/** How many tokens come before a letter. What follows is encoded by itself, as it is when a model writes it. */
function tokensBefore(text: string, letter: number, tokens: readonly number[], tokenizer: CheckpointTokenizer): number {
  const rest = text.slice(letter);
  const after = rest === '' ? [] : tokenizer.encode(rest, { specialTokens: false });
  const start = tokens.length - after.length;
  if (start < 0 || after.some((token, i) => token !== tokens[start + i]))
    throw new DataError(
      `the tokens of the text do not divide at letter ${letter}, ${JSON.stringify(rest.slice(0, 30))}`,
      'a special token between the turns, as chat templates have it, lets them divide; pictures go before the first answer',
    );
  return start;
}

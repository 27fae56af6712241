/** What may be wrong with a sample: found before the run, and said so that it can be mended. */
import { CheckpointError, SensoriumError } from '../../core/index.ts';
import type { Picture, Sample } from '../../data/index.ts';
import { type ConversationReader, type EncodedSample, encodeSample } from '../conversations/encode.ts';
import { sizeOf } from '../conversations/pack.ts';
import type { RecipeFinding } from './finding.ts';
import type { FeatureCounter } from './picture-features.ts';

/** What samples are held against. */
export interface SampleLimits {
  /** Rows of the table of embeddings. */
  readonly embeddings: number;
  /** Most tokens that the model reads. */
  readonly context: number;
  /** Tokens of a row. */
  readonly length: number;
  /** Learned tokens of a row. */
  readonly learned: number;
  /** Whether conversations that do not fit are left out on purpose, as of sources that make as many as there is room for. */
  readonly fitted: boolean;
  /** Whether what is said is learned; otherwise pictures alone are. */
  readonly speaks: boolean;
  readonly imageToken?: number | undefined;
  readonly imageMarker?: string | undefined;
  /** Counts what the model makes of a picture; absent in models that read none. */
  readonly features?: FeatureCounter | undefined;
}

export interface ExaminedSample {
  readonly findings: readonly RecipeFinding[];
  /** Absent where the sample cannot be read. */
  readonly encoded: EncodedSample | undefined;
  /** Its pictures as they were opened, where they could be. */
  readonly pictures: readonly Picture[];
}

/** Reads a sample as training would, and looks at all that may be wrong with it. */
export async function examineSample(
  sample: Sample,
  reader: ConversationReader,
  limits: SampleLimits,
): Promise<ExaminedSample> {
  const findings: RecipeFinding[] = [];
  const find = (level: RecipeFinding['level'], check: string, message: string, hint?: string): void => {
    findings.push({ level, check, where: sample.id, message, ...(hint === undefined ? {} : { hint }) });
  };
  const opened = await openPictures(sample, find);
  structure(sample, reader, limits, find);
  if (opened === undefined || findings.some(({ level }) => level === 'error'))
    return { findings, encoded: undefined, pictures: opened ?? [] };
  // Each picture is opened once.
  const pictures = sample.pictures.map(({ name }, i) => ({ name, open: () => opened[i]! }));
  let encoded: EncodedSample;
  try {
    encoded = await encodeSample({ ...sample, pictures }, reader);
    findings.push(...(await encodedFindings(sample.id, encoded, reader, limits)));
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    find('error', 'encoding', firstLine(error), error instanceof SensoriumError ? error.hint : undefined);
    return { findings, encoded: undefined, pictures: opened };
  }
  return { findings, encoded, pictures: opened };
}

type Find = (level: RecipeFinding['level'], check: string, message: string, hint?: string) => void;

async function openPictures(sample: Sample, find: Find): Promise<Picture[] | undefined> {
  const opened: Picture[] = [];
  for (const source of sample.pictures) {
    const { name } = source;
    try {
      const picture = await source.open();
      opened.push(picture);
      if (Math.min(picture.width, picture.height) < 4)
        find(
          'warning',
          'picture-size',
          `${name} has ${picture.width} × ${picture.height} pixels`,
          'is it a thumbnail?',
        );
    } catch (error) {
      find(
        'error',
        'picture',
        `${name} cannot be read: ${firstLine(error)}`,
        'fetch it again, or leave the sample out',
      );
    }
  }
  return opened.length === sample.pictures.length ? opened : undefined;
}

/** What can be seen without a tokenizer. */
function structure(sample: Sample, { processor }: ConversationReader, { imageMarker }: SampleLimits, find: Find): void {
  const used = new Set<number>();
  if (sample.conversations.length === 0) find('error', 'no-loss', 'there is no conversation', 'leave the sample out');
  for (const [number, turns] of sample.conversations.entries()) {
    const which = sample.conversations.length === 1 ? '' : `conversation ${number}: `;
    const parts = turns.flatMap(({ content }) => content);
    for (const part of parts) {
      if (part.type === 'image') {
        used.add(part.picture);
        if (sample.pictures[part.picture] === undefined)
          find(
            'error',
            'picture-number',
            `${which}speaks of picture ${part.picture + 1}, and there ${sample.pictures.length === 1 ? 'is' : 'are'} ${sample.pictures.length}`,
            'give a picture for each marker',
          );
      } else if (part.type === 'text' && imageMarker !== undefined && part.text.includes(imageMarker))
        find(
          'error',
          'marker-in-text',
          `${which}a text holds ${imageMarker}, which stands for a picture: ${JSON.stringify(excerpt(part.text, imageMarker))}`,
          'markers that mean pictures become parts of type image; take others out of the text',
        );
    }
    const said = turns.filter(({ role }) => role === 'assistant');
    if (said.length === 0)
      find(
        'error',
        'no-loss',
        `${which}the assistant says nothing, so that no token carries loss`,
        'add its answer, or leave it out',
      );
    else if (turns.at(-1)!.role !== 'assistant')
      find(
        'warning',
        'last-turn',
        `${which}the last turn is not the assistant's, so that it teaches nothing`,
        'cut it off, or add the answer',
      );
    const empty = said.filter(({ content }) =>
      content.every((part) => part.type === 'text' && part.text.trim() === ''),
    );
    if (empty.length > 0)
      find(
        empty.length === said.length ? 'error' : 'warning',
        empty.length === said.length ? 'no-loss' : 'empty-answer',
        `${which}${empty.length} of ${said.length} answers are empty, which teaches the model to say nothing`,
        'leave them out',
      );
    for (const [i, { role }] of turns.entries())
      if (i > 0 && role === turns[i - 1]!.role)
        find('warning', 'turn-order', `${which}turns ${i} and ${i + 1} are both the ${role}'s`, 'join them');
  }
  const unused = sample.pictures.filter((_, i) => !used.has(i));
  if (unused.length > 0 && processor !== undefined)
    find(
      'warning',
      'unused-picture',
      `${unused.map(({ name }) => name).join(', ')} stands in no turn, so that the model does not see it`,
      'put a picture part, or the marker of the format, into the question',
    );
}

/** What is seen once there are tokens. */
async function encodedFindings(
  where: string,
  encoded: EncodedSample,
  { tokenizer }: ConversationReader,
  limits: SampleLimits,
): Promise<RecipeFinding[]> {
  const findings: RecipeFinding[] = [];
  const find: Find = (level, check, message, hint) =>
    void findings.push({ level, check, where, message, ...(hint === undefined ? {} : { hint }) });
  const { imageToken, features } = limits;
  if (features !== undefined)
    for (const picture of encoded.pictures) {
      const made = features.count(picture);
      if (typeof made === 'string')
        find('error', 'image-tokens', `the model cannot take what the processor makes of a picture: ${made}`, TOGETHER);
      else if (made !== picture.features)
        find(
          'error',
          'image-tokens',
          `the processor writes ${picture.features} image tokens for a picture, and the model makes ${made} rows of features of it`,
          TOGETHER,
        );
    }
  for (const [number, { tokens, learned, text }] of encoded.conversations.entries()) {
    const which = encoded.conversations.length === 1 ? '' : `conversation ${number}: `;
    if (!learned.includes(1))
      find('error', 'no-loss', `${which}no token carries loss in ${JSON.stringify(text.slice(0, 60))}`, 'leave it out');
    if (imageToken !== undefined && encoded.conversations.length === 1) {
      const written = tokens.filter((token) => token === imageToken).length;
      const made = encoded.pictures.reduce((sum, picture) => sum + picture.features, 0);
      if (written !== made)
        find('error', 'image-tokens', `${which}${written} image tokens for ${made} rows of features`, TOGETHER);
    }
    const unknown = tokens.find((token) => token >= limits.embeddings);
    if (unknown !== undefined)
      find(
        'error',
        'vocabulary',
        `${which}token ${unknown} (${JSON.stringify(tokenizer.decode([unknown], { specialTokens: true }))}) has no embedding; there are ${limits.embeddings}`,
        'use the tokenizer that was saved with the model',
      );
    if (tokens.length > limits.context)
      find(
        'error',
        'context',
        `${which}${tokens.length} tokens are more than the model's context of ${limits.context}`,
        'shorten or leave out the sample, or give smaller pictures',
      );
  }
  // Of pictures alone, rows of their own may stay empty.
  if (limits.speaks || !limits.fitted) rowFindings(encoded, limits, find);
  return findings;
}

/** Whether the sample fits the rows of the recipe. */
function rowFindings(encoded: EncodedSample, { length, learned, fitted, imageToken }: SampleLimits, find: Find): void {
  const size = sizeOf(encoded, imageToken);
  const tooLong = size.own.filter((own, i) => size.shared + own > length || size.learned[i]! > learned).length;
  if (tooLong === 0) {
    const tokens = size.shared + size.own.reduce((sum, own) => sum + own, 0);
    const loss = size.learned.reduce((sum, own) => sum + own, 0);
    if (!fitted && (tokens > length || loss > learned))
      find(
        'error',
        'row',
        `all conversations together take ${tokens} tokens (${loss} learned), and a row has ${length} (${learned})`,
        'raise data.length or data.learned, or give fewer conversations a sample',
      );
    return;
  }
  const longest = Math.max(...size.own) + size.shared;
  find(
    fitted && tooLong < size.own.length ? 'warning' : 'error',
    'row',
    `${tooLong} of ${size.own.length} conversations do not fit a row of ${length} tokens (${learned} learned): ` +
      `the longest has ${longest}, ${Math.max(...size.learned)} learned`,
    'raise data.length or data.learned, or shorten the sample',
  );
}

const TOGETHER =
  'processor and model are of different checkpoints: fetch it again, or correct the files of the processor';

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 300);
}

function excerpt(text: string, marker: string): string {
  const at = text.indexOf(marker);
  return text.slice(Math.max(0, at - 15), at + marker.length + 15);
}

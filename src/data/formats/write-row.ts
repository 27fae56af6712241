/** Samples as rows of the formats that others read. */
import { DataError } from '../../core/index.ts';
import type { SamplePart, SampleTurn } from '../samples.ts';
import { boxMarker, joinMarkers } from './markers.ts';

/** Formats that can be written. */
export const WRITTEN_FORMATS = ['llava', 'sharegpt', 'openai', 'webdataset', 'imagefolder'] as const;
export type WrittenFormat = (typeof WRITTEN_FORMATS)[number];

/** One conversation with the names of its pictures, in the order of the sample. */
export interface NamedConversation {
  readonly id: string;
  readonly pictures: readonly string[];
  readonly turns: readonly SampleTurn[];
}

/** A row. Boxes become texts, which the readers of this project turn back into boxes. @throws DataError where the format has no room */
export function writeRow(format: WrittenFormat, { id, pictures, turns }: NamedConversation): Record<string, unknown> {
  const shown = turns.flatMap(({ content }) =>
    content.flatMap((part) => (part.type === 'image' ? [part.picture] : [])),
  );
  // Formats with markers take pictures in the order in which they are spoken of.
  const named = shown.map((number) => pictures[number]!);
  if (format === 'openai') return { id, messages: turns.map((turn) => asMessage(turn, pictures)) };
  const conversations = turns.map(({ role, content }) => ({
    from: role === 'user' ? 'human' : role === 'assistant' ? 'gpt' : 'system',
    value: joinMarkers(content),
  }));
  if (format === 'sharegpt') return { id, images: named, conversations };
  if (format === 'imagefolder') return asPair(id, named, turns);
  const image = named.length === 0 ? {} : { image: named.length === 1 ? named[0] : named };
  return { id, ...image, conversations };
}

function asMessage({ role, content }: SampleTurn, pictures: readonly string[]): unknown {
  if (role !== 'user') return { role, content: plain(content) };
  return {
    role,
    content: content.map((part) =>
      part.type === 'image'
        ? { type: 'image_url', image_url: { url: pictures[part.picture] } }
        : { type: 'text', text: plain([part]) },
    ),
  };
}

function asPair(id: string, pictures: readonly string[], turns: readonly SampleTurn[]): Record<string, unknown> {
  const [question, answer] = turns;
  if (pictures.length !== 1 || turns.length !== 2 || question?.role !== 'user' || answer?.role !== 'assistant')
    throw new DataError(
      `${id}: a folder of pictures has room for one picture, one question and one answer`,
      'write another format, such as llava',
    );
  const said = plain(answer.content);
  return { file_name: pictures[0], text: said, question: plain(question.content), answer: said };
}

function plain(content: readonly SamplePart[]): string {
  return content
    .map((part) => (part.type === 'text' ? part.text : part.type === 'box' ? boxMarker(part.box) : ''))
    .join('');
}

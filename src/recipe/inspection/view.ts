/** Samples opened, to be looked at. */
import { SensoriumError } from '../../core/index.ts';
import {
  type Picture,
  type RelativeBox,
  resize,
  type Sample,
  type SamplePart,
  type SampleTurn,
} from '../../data/index.ts';
import { type ConversationReader, encodeSample } from '../conversations/encode.ts';
import { type LossPiece, lossPieces } from '../doctor/loss-text.ts';

/** A picture of a sample. */
export interface ViewedPicture {
  readonly name: string;
  /** Size as it was read. */
  readonly width: number;
  readonly height: number;
  /** Made smaller to be shown. */
  readonly thumbnail: Picture;
  /** Boxes that are spoken of, in the order of the conversations. */
  readonly boxes: readonly RelativeBox[];
}

export interface ViewedConversation {
  readonly turns: readonly { readonly role: SampleTurn['role']; readonly text: string }[];
  /** As a model reads it; absent without one. */
  readonly pieces?: readonly LossPiece[];
}

/** A sample, or what is wrong with it. */
export interface ViewedSample {
  readonly index: number;
  readonly id: string;
  readonly pictures: readonly ViewedPicture[];
  readonly conversations: readonly ViewedConversation[];
  readonly problem?: string;
}

/** How samples are read by a model. */
export interface ViewReader extends ConversationReader {
  readonly imageToken?: number | undefined;
}

/** Longest side of a thumbnail, in pixels. */
const THUMBNAIL = 320;
/** Conversations of a sample that are shown. */
const MOST_CONVERSATIONS = 20;

/**
 * Opens a sample. What cannot be read becomes its problem, so that one bad sample hides no other.
 * @param reader makes tokens of it, which show what is learned
 */
export async function viewSample(index: number, sample: Sample, reader?: ViewReader): Promise<ViewedSample> {
  const { id } = sample;
  const conversations = sample.conversations.slice(0, MOST_CONVERSATIONS);
  const boxes = sample.pictures.map((): RelativeBox[] => []);
  const turns = conversations.map((conversation) => readTurns(conversation, boxes));
  try {
    const opened: Picture[] = [];
    for (const each of sample.pictures) opened.push(await each.open());
    const pictures = opened.map((picture, i): ViewedPicture => {
      const { width, height } = picture;
      return { name: sample.pictures[i]!.name, width, height, thumbnail: thumbnail(picture), boxes: boxes[i]! };
    });
    const viewed = { index, id, pictures };
    if (reader === undefined) return { ...viewed, conversations: turns.map((each) => ({ turns: each })) };
    try {
      const again = sample.pictures.map((each, i) => ({ ...each, open: () => opened[i]! }));
      const encoded = await encodeSample({ ...sample, pictures: again, conversations }, reader);
      return {
        ...viewed,
        conversations: encoded.conversations.map((each, i) => ({
          turns: turns[i]!,
          pieces: lossPieces(each, reader.tokenizer, reader.imageToken),
        })),
      };
    } catch (error) {
      return { ...viewed, conversations: turns.map((each) => ({ turns: each })), problem: problemOf(error) };
    }
  } catch (error) {
    return {
      index,
      id,
      pictures: [],
      conversations: turns.map((each) => ({ turns: each })),
      problem: problemOf(error),
    };
  }
}

/** A sample that could not be had at all. */
export function viewProblem(index: number, error: unknown): ViewedSample {
  return { index, id: `sample ${index}`, pictures: [], conversations: [], problem: problemOf(error) };
}

function problemOf(error: unknown): string {
  if (error instanceof SensoriumError) return error.message;
  throw error;
}

/** @param boxes of each picture, which grow; a box belongs to the picture that was shown last before it, or to the first */
function readTurns(conversation: readonly SampleTurn[], boxes: readonly RelativeBox[][]): ViewedConversation['turns'] {
  let shown = 0;
  const write = (part: SamplePart): string => {
    if (part.type === 'text') return part.text;
    if (part.type === 'image') {
      shown = part.picture;
      return boxes.length === 1 ? '[picture]' : `[picture ${part.picture + 1}]`;
    }
    const list = boxes[shown];
    const number = list?.findIndex((box) => box.every((side, i) => side === part.box[i])) ?? -1;
    if (list !== undefined && number < 0) list.push(part.box);
    return `[box ${number < 0 ? (list?.length ?? '?') : number + 1}]`;
  };
  return conversation.map(({ role, content }) => {
    let text = '';
    for (const part of content)
      text += `${text === '' || part.type === 'text' || /\s$/.test(text) ? '' : ' '}${write(part)}${part.type === 'image' ? ' ' : ''}`;
    return { role, text: text.trim() };
  });
}

function thumbnail(picture: Picture): Picture {
  const scale = THUMBNAIL / Math.max(picture.width, picture.height);
  if (scale >= 1) return picture;
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  return resize(picture, side(picture.width), side(picture.height), 'bilinear');
}

/**
 * Rows that hold conversations: LLaVA (`image`, `conversations` of from and value), ShareGPT (`images`, the same or
 * `messages` of role and content), OpenAI (`messages` whose content is a list of parts, `image_url` among them).
 */
import { DataError } from '../../core/index.ts';
import type { SamplePart, SampleTurn } from '../samples.ts';
import { IMAGE_MARKER, type PictureCounter, splitMarkers } from './markers.ts';
import { pictureReferences, readReference } from './picture-reference.ts';
import {
  asList,
  asObject,
  asText,
  MAX_PICTURES,
  MAX_ROW_TEXT,
  MAX_TURNS,
  type PictureReference,
  type RawRow,
  type Row,
  rowId,
} from './row.ts';

const ROLES: Readonly<Record<string, SampleTurn['role']>> = {
  system: 'system',
  developer: 'system',
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
};

/**
 * Reads a row of a conversation.
 * @param pictures references given elsewhere, such as files of the same group in an archive; those of the row unless told
 * @throws DataError naming the key that is wrong
 */
export function parseConversationRow(row: RawRow, pictures?: readonly PictureReference[]): Row {
  const key = row['conversations'] === undefined || row['conversations'] === null ? 'messages' : 'conversations';
  const entries = asList(row[key], key, MAX_TURNS);
  if (entries === undefined || entries.length === 0)
    throw new DataError(`${key} is ${entries === undefined ? 'missing' : 'empty'}`, 'give the turns of a conversation');
  refuseOtherMedia(row);
  const listed = pictures ?? pictureReferences(row);
  const reader = new TurnReader(listed);
  const turns = entries.map((entry, i) => reader.read(entry, `${key}[${i}]`));
  const system = row['system'];
  if (typeof system === 'string' && system !== '' && turns[0]?.role !== 'system')
    turns.unshift({ role: 'system', content: [{ type: 'text', text: system }] });
  return { id: rowId(row), ...reader.finish(turns) };
}

function refuseOtherMedia(row: RawRow): void {
  for (const key of ['video', 'videos', 'audio', 'audios']) {
    const value = row[key];
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    throw new DataError(`${key} is given, and only pictures can be read`, 'leave out rows with sound or film');
  }
}

/** Reads turn after turn and keeps count of the pictures. */
class TurnReader {
  readonly #pictures: PictureReference[];
  /** Pictures that the row lists, beside those within messages. */
  readonly #listed: number;
  readonly #counter: PictureCounter = { next: 0 };
  #letters = 0;

  constructor(listed: readonly PictureReference[]) {
    this.#pictures = [...listed];
    this.#listed = listed.length;
  }

  read(entry: unknown, key: string): SampleTurn {
    const turn = asObject(entry, key);
    const roleKey = turn['role'] === undefined ? 'from' : 'role';
    const name = asText(turn[roleKey], `${key}.${roleKey}`);
    const role = Object.hasOwn(ROLES, name.toLowerCase()) ? ROLES[name.toLowerCase()] : undefined;
    if (role === undefined)
      throw new DataError(
        `${key}.${roleKey} is ${JSON.stringify(name.slice(0, 40))}`,
        'use system, user (or human) and assistant (or gpt); calls of tools cannot be trained on yet',
      );
    const valueKey = turn['content'] === undefined ? 'value' : 'content';
    const value = turn[valueKey];
    const content = Array.isArray(value)
      ? this.#parts(value, `${key}.${valueKey}`)
      : this.#marked(asText(value, `${key}.${valueKey}`));
    return { role, content };
  }

  /** The row's pictures and turns, checked to fit. @throws DataError when markers and pictures differ in number */
  finish(turns: readonly SampleTurn[]): Omit<Row, 'id'> {
    const named = this.#counter.next;
    let all = turns;
    if (named === 0 && this.#listed > 0) all = withPicturesFirst(turns, this.#listed);
    else if (named !== this.#listed)
      throw new DataError(
        `the texts name ${count(named)} (${IMAGE_MARKER}), and the row has ${this.#listed}`,
        `write ${IMAGE_MARKER} once for each picture`,
      );
    return { pictures: this.#pictures, conversations: [all] };
  }

  #marked(text: string): SamplePart[] {
    this.#count(text);
    return splitMarkers(text, this.#listed > 0 ? this.#counter : this.#unlisted(text));
  }

  /** In a row that lists no pictures, the marker is a mistake where nothing else brings pictures. */
  #unlisted(text: string): PictureCounter | undefined {
    return this.#pictures.length === 0 && text.includes(IMAGE_MARKER) ? this.#counter : undefined;
  }

  #parts(value: readonly unknown[], key: string): SamplePart[] {
    const parts = asList(value, key, MAX_TURNS)!;
    return parts.flatMap((each, i): SamplePart[] => {
      const at = `${key}[${i}]`;
      if (typeof each === 'string') return this.#plain(each);
      const part = asObject(each, at);
      const type = part['type'];
      if (type === 'text' || type === 'input_text' || (type === undefined && typeof part['text'] === 'string'))
        return this.#plain(asText(part['text'], `${at}.text`));
      if (type === 'image' || type === 'image_url' || type === 'input_image') return [this.#picture(part, at)];
      throw new DataError(
        `${at}.type is ${JSON.stringify(String(type)).slice(0, 40)}`,
        'use parts of type text and image_url',
      );
    });
  }

  /** A text among parts, where pictures are parts and a marker is no more than a word. */
  #plain(text: string): SamplePart[] {
    this.#count(text);
    return splitMarkers(text, undefined);
  }

  #picture(part: RawRow, key: string): SamplePart {
    const value = part['image_url'] ?? part['image'] ?? part['url'] ?? part['path'];
    // A part without an address stands for the next of the pictures that the row lists.
    if (value === undefined || value === null) return { type: 'image', picture: this.#counter.next++ };
    const inner = typeof value === 'object' && 'url' in value ? value.url : value;
    if (this.#pictures.length >= MAX_PICTURES)
      throw new DataError(`the row has more than ${MAX_PICTURES} pictures`, 'divide it');
    this.#pictures.push(readReference(inner, key));
    return { type: 'image', picture: this.#pictures.length - 1 };
  }

  #count(text: string): void {
    this.#letters += text.length;
    if (this.#letters > MAX_ROW_TEXT) throw new DataError(`the row has more than ${MAX_ROW_TEXT} letters`, 'divide it');
  }
}

const count = (n: number): string => `${n} picture${n === 1 ? '' : 's'}`;

/** All pictures at the beginning of the first turn of the user. */
export function withPicturesFirst(turns: readonly SampleTurn[], pictures: number): readonly SampleTurn[] {
  const images = Array.from({ length: pictures }, (_, picture): SamplePart => ({ type: 'image', picture }));
  const at = turns.findIndex(({ role }) => role === 'user');
  if (at < 0) return [{ role: 'user', content: images }, ...turns];
  return turns.map((turn, i) => (i === at ? { role: turn.role, content: [...images, ...turn.content] } : turn));
}

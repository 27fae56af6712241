/** Packing: several conversations in one row of tokens, each of which sees only itself and what it shares with others. */
// R rows, T tokens of a row, N learned tokens of a batch
import { DataError, hostTensor, type HostTensor } from '../../core/index.ts';
import { IGNORED } from '../../train/index.ts';
import type { EncodedConversation, EncodedSample } from './encode.ts';

/** Tensors of a packed batch. */
export interface PackedBatch {
  /** [R, T] int64 */
  readonly ids: HostTensor<'int64'>;
  /** [R, T] int64: tokens of one sample have one number; −1 for padding. */
  readonly samples: HostTensor<'int64'>;
  /** [R, T] int64: 0 for what the conversations of a sample share, else the number of the conversation. */
  readonly branches: HostTensor<'int64'>;
  /** [R, T] int64: place of the token in its conversation. */
  readonly positions: HostTensor<'int64'>;
  /** [R, T] int64: which of R · T embeddings and the features after them a token takes. */
  readonly places: HostTensor<'int64'>;
  /** [N] int64: tokens of which the next one is learned. */
  readonly chosen: HostTensor<'int64'>;
  /** [N] int64: those next ones, or −100 where there is none. */
  readonly labels: HostTensor<'int64'>;
  /** [N] how much each counts. */
  readonly weights: HostTensor<'float32'>;
  /** [N] how much each counts of which the model is to say what it said; {@link weights} are 0 there. Where an objective asks for it. */
  readonly retained?: HostTensor<'float32'>;
  /** [N, T]: 1 for image tokens that are looked at while a token is said; where an objective asks for it. */
  readonly looks?: HostTensor<'float32'>;
  /** [2, N, T]: 1 where the question ends its first, and its second, name of what it asks about. */
  readonly asked?: HostTensor<'float32'>;
  /** [M] int64: tokens that end a name in a question. */
  readonly mentions?: HostTensor<'int64'>;
  /** [M, T]: 1 for image tokens of what is named; zeros where there is no name. */
  readonly mentioned?: HostTensor<'float32'>;
}

/** There is room for a name in this many tokens of a row; questions are longer. */
const MENTION_LENGTH = 8;

/** Sizes of a packed batch, the same for all of a run, so that one program serves. */
export interface PackedShape {
  readonly rows: number;
  /** T. */
  readonly length: number;
  /** Learned tokens of a row, at most. */
  readonly learned: number;
}

export interface PackOptions extends PackedShape {
  readonly imageToken?: number | undefined;
  readonly padToken: number;
  /**
   * 0 lets every learned token count alike, so that long answers weigh more; 1 every answer. Between them the weight of a
   * token is the length of its answer to the power of −`evenness`. What an answer finds on its way counts as an answer of its own.
   */
  readonly evenness: number;
  /** Whether tokens of retained samples are told apart; they are learned like all others unless told. */
  readonly retaining?: boolean | undefined;
  /** For each sample and region which of the sample's features belong to it; where an objective asks for them. */
  readonly squares?: readonly (readonly (readonly number[])[])[] | undefined;
}

/** How many tokens a sample takes, and how much of its conversations is shared. */
export interface SampleSize {
  readonly shared: number;
  /** Tokens of each conversation beyond the shared ones. */
  readonly own: readonly number[];
  readonly learned: readonly number[];
}

/**
 * The beginning that all conversations of a sample share. It ends before the first learned token, and holds all pictures
 * or nothing.
 */
export function sizeOf({ conversations, pictures }: EncodedSample, imageToken: number | undefined): SampleSize {
  const first = conversations[0]!;
  let shared = 0;
  if (conversations.length > 1) {
    const shortest = Math.min(...conversations.map(({ tokens }) => tokens.length - 1));
    const alike = (i: number): boolean =>
      conversations.every(({ tokens, learned }) => tokens[i] === first.tokens[i] && learned[i] === 0);
    while (shared < shortest && alike(shared)) shared++;
    const features = pictures.reduce((sum, picture) => sum + picture.features, 0);
    const images = first.tokens.slice(0, shared).filter((token) => token === imageToken).length;
    if (images !== features)
      throw new DataError(
        'conversations of a sample must all begin with its pictures',
        'give conversations that differ in their pictures as samples of their own',
      );
  }
  return {
    shared,
    own: conversations.map(({ tokens }) => tokens.length - shared),
    learned: conversations.map(({ learned }) => learned.reduce((sum, one) => sum + one, 0)),
  };
}

/** Where a sample goes, and which of its conversations. */
export interface Placement {
  readonly sample: number;
  readonly row: number;
  readonly start: number;
  readonly conversations: readonly number[];
}

/**
 * Puts samples into rows in their order, each into the first row where its beginning and at least one conversation fit, and
 * as many of its conversations as fit there.
 * @param whole whether a sample must go in with all its conversations
 * @returns placements; samples that fit nowhere are left out
 */
export function placeSamples(sizes: readonly SampleSize[], shape: PackedShape, whole: boolean): Placement[] {
  const used = Array.from({ length: shape.rows }, () => ({ tokens: 0, learned: 0 }));
  const placements: Placement[] = [];
  for (const [sample, { shared, own, learned }] of sizes.entries()) {
    for (const [row, { tokens, learned: taken }] of used.entries()) {
      const fits: number[] = [];
      let [length, loss] = [tokens + shared, taken];
      for (const [i, extra] of own.entries()) {
        if (length + extra > shape.length || loss + learned[i]! > shape.learned) continue;
        fits.push(i);
        length += extra;
        loss += learned[i]!;
      }
      if (fits.length === 0 || (whole && fits.length < own.length)) continue;
      placements.push({ sample, row, start: tokens, conversations: fits });
      used[row] = { tokens: length, learned: loss };
      break;
    }
  }
  return placements;
}

/**
 * Shares samples out among rows so that few tokens are left empty: the longest first, each into the fullest row that still
 * takes it.
 * @returns for each row the numbers of its samples, each once; one that is longer than a row has a row of its own
 */
export function planRows(sizes: readonly SampleSize[], shape: Omit<PackedShape, 'rows'>): number[][] {
  const whole = sizes.map(({ shared, own, learned }, sample) => ({
    sample,
    tokens: own.reduce((sum, extra) => sum + extra, shared),
    learned: learned.reduce((sum, count) => sum + count, 0),
  }));
  whole.sort((a, b) => b.tokens - a.tokens || a.sample - b.sample);
  const rows: { samples: number[]; tokens: number; learned: number }[] = [];
  /** Rows by the room that they have left, so that the fullest one is found at once. */
  const byRoom = Array.from({ length: shape.length + 1 }, (): number[] => []);
  const place = (row: number): void => {
    const room = shape.length - rows[row]!.tokens;
    if (room > 0) byRoom[room]!.push(row);
  };
  for (const { sample, tokens, learned } of whole) {
    let found: number | undefined;
    for (let room = tokens; room <= shape.length && found === undefined; room++) {
      const at = byRoom[room]!.findIndex((row) => rows[row]!.learned + learned <= shape.learned);
      if (at >= 0) [found] = byRoom[room]!.splice(at, 1);
    }
    if (found === undefined) found = rows.push({ samples: [], tokens: 0, learned: 0 }) - 1;
    const row = rows[found]!;
    row.samples.push(sample);
    row.tokens += tokens;
    row.learned += learned;
    place(found);
  }
  return rows.map(({ samples }) => samples);
}

/** Lengths of an answer, at 0, and of what it finds, each as an answer of its own, which would have a token more that ends it. */
function answerLengths(learned: number, findings: Iterable<number> = []): number[] {
  const lengths = [learned];
  for (const finding of findings) if (finding > 0) lengths[finding] = (lengths[finding] ?? 1) + 1;
  return lengths;
}

/** Writes placed samples into tensors. Features are those of the pictures of all samples, in their order, placed or not. */
export function packSamples(
  samples: readonly EncodedSample[],
  sizes: readonly SampleSize[],
  placements: readonly Placement[],
  options: PackOptions,
): PackedBatch {
  const { rows, length, imageToken, padToken, evenness, squares, retaining = false } = options;
  const count = rows * length;
  const table = (fill: bigint): HostTensor<'int64'> =>
    hostTensor('int64', [rows, length], new BigInt64Array(count).fill(fill));
  const [ids, numbers, branches] = [table(BigInt(padToken)), table(-1n), table(0n)];
  const [positions, places] = [table(0n), table(0n)];
  const most = rows * options.learned;
  const chosen = hostTensor('int64', [most]);
  const labels = hostTensor('int64', [most], new BigInt64Array(most).fill(BigInt(IGNORED)));
  const weights = hostTensor('float32', [most]);
  const retained = retaining ? hostTensor('float32', [most]) : undefined;
  const room = rows * Math.ceil(length / MENTION_LENGTH);
  const looking =
    squares === undefined
      ? undefined
      : {
          looks: hostTensor('float32', [most, length]),
          asked: hostTensor('float32', [2, most, length]),
          mentions: hostTensor('int64', [room]),
          mentioned: hostTensor('float32', [room, length]),
        };
  let mentioned = 0;
  for (let i = 0; i < count; i++) places.data[i] = BigInt(i);
  let at = 0;
  const firstFeatures: number[] = [];
  let features = 0;
  for (const { pictures } of samples) {
    firstFeatures.push(features);
    features += pictures.reduce((sum, picture) => sum + picture.features, 0);
  }
  const write = (
    place: number,
    id: number,
    token: { sample: number; branch: number; position: number; feature: number | undefined },
  ): void => {
    ids.data[place] = BigInt(id);
    numbers.data[place] = BigInt(token.sample);
    branches.data[place] = BigInt(token.branch);
    positions.data[place] = BigInt(token.position);
    if (token.feature !== undefined) places.data[place] = BigInt(count + token.feature);
  };
  for (const { sample, row, start, conversations } of placements) {
    const encoded = samples[sample]!;
    const { shared } = sizes[sample]!;
    let next = row * length + start;
    const columns: number[] = [];
    const beginning = next;
    let feature = firstFeatures[sample]!;
    const put = (conversation: EncodedConversation, from: number, to: number, branch: number): void => {
      for (let position = from; position < to; position++) {
        const id = conversation.tokens[position]!;
        const image = id === imageToken;
        write(next, id, { sample, branch, position, feature: image ? feature : undefined });
        if (image) {
          feature++;
          columns.push(next - row * length);
        }
        next++;
      }
    };
    const columnsOf = (regions: readonly number[]): number[] =>
      regions.flatMap((region) => squares?.[sample]?.[region] ?? []).map((square) => columns[square]!);
    put(encoded.conversations[conversations[0]!]!, 0, shared, 0);
    for (const [i, number] of conversations.entries()) {
      const conversation = encoded.conversations[number]!;
      const begin = next;
      put(conversation, shared, conversation.tokens.length, i + 1);
      const placeOf = (position: number): number =>
        position < shared ? beginning + position : begin + position - shared;
      const lengths = answerLengths(sizes[sample]!.learned[number]!, conversation.findings);
      for (let position = 1; position < conversation.tokens.length; position++) {
        if (conversation.learned[position] === 0) continue;
        chosen.data[at] = BigInt(placeOf(position - 1));
        labels.data[at] = BigInt(conversation.tokens[position]!);
        (encoded.retained === true ? (retained ?? weights) : weights).data[at] =
          lengths[conversation.findings?.[position] ?? 0]! ** -evenness;
        if (looking !== undefined && conversation.looks !== undefined) {
          const { said, asked } = conversation.looks;
          for (const column of columnsOf(said[position] ?? [])) looking.looks.data[at * length + column] = 1;
          for (const [i, thing] of asked.entries())
            looking.asked.data[(i * most + at) * length + placeOf(thing) - row * length] = 1;
        }
        at++;
      }
      for (const { at: end, regions } of looking === undefined ? [] : (conversation.looks?.mentions ?? [])) {
        if (mentioned === room) break;
        looking!.mentions.data[mentioned] = BigInt(placeOf(end));
        for (const column of columnsOf(regions)) looking!.mentioned.data[mentioned * length + column] = 1;
        mentioned++;
      }
    }
  }
  return {
    ids,
    samples: numbers,
    branches,
    positions,
    places,
    chosen,
    labels,
    weights,
    ...(retained === undefined ? {} : { retained }),
    ...looking,
  };
}

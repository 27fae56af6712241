/** Where a decoder is to look while it says something: at the parts of the picture that are spoken of. */
import type { CheckpointTokenizer, RelativeBox, Sample, TokenBytes } from '../../data/index.ts';
import type { EncodedConversation } from './encode.ts';
import { writeOverlap } from './matching.ts';
import { lettersIn, spell, type Spelled, tokenAt } from './spelled.ts';

/** Where a decoder looks in one conversation. Regions go by their numbers in the sample, tokens by their places. */
export interface Looks {
  /** For each token the regions that are looked at while it is said; nothing for most. */
  readonly said: readonly (readonly number[] | undefined)[];
  /** Names and boxes before the answer, by their last tokens. */
  readonly mentions: readonly { readonly at: number; readonly regions: readonly number[] }[];
  /** Last tokens of the first and the second thing that is asked about, as far as there are. */
  readonly asked: readonly number[];
}

/** Tokens that speak of regions: the first one, the one after the last, and which regions. */
interface Mention {
  readonly start: number;
  readonly end: number;
  readonly regions: readonly number[];
  readonly of: Mentioned;
}

/** A thing of its own, a sort of things, of which there may be none, or the place where a thing lies. */
type Mentioned = 'thing' | 'sort' | 'place';

/** What can be named. */
interface Named {
  /** As {@link lettersIn} has it. */
  readonly name: string;
  readonly regions: readonly number[];
  readonly of: Mentioned;
  /** How much of the name, from its beginning, is the sign before it. */
  readonly sign?: number;
  /** Regions of the single characters of what is written. */
  readonly letters?: readonly number[] | undefined;
}

/** What goes before a place in a step; where places are said otherwise, nothing else is spoken of than what was. */
const BEFORE_PLACES = ['. ', ': ', ', ', '。', '：', '、'] as const;

/** Finds what conversations about one sample speak of. */
export class LookFinder {
  /** Tokens of each region's box. */
  readonly #boxes: readonly (readonly number[])[];
  /** The longest name first; of two that are equal, that of a thing before that of its sort. */
  readonly #names: readonly Named[];
  readonly #bytes: TokenBytes;

  /** @param writeBox as the model writes boxes; nothing for models that write none */
  constructor(
    { regions = [], groups = [] }: Sample,
    tokenizer: CheckpointTokenizer,
    writeBox: (box: RelativeBox) => string | undefined,
  ) {
    this.#boxes = regions.map(({ box }) => {
      const written = writeBox(box);
      return written === undefined ? [] : tokenizer.encode(written, { specialTokens: false });
    });
    const byName = new Map<string, Named & { readonly regions: number[] }>();
    const add = (text: string, region: number, named: Pick<Named, 'of' | 'letters' | 'sign'>): void => {
      const name = lettersIn(text);
      byName.set(name, { ...named, name, regions: [...(byName.get(name)?.regions ?? []), region] });
    };
    for (const [k, { names = [], places = [], letters }] of regions.entries()) {
      for (const name of names) add(name, k, { of: 'thing', letters });
      for (const place of places)
        for (const sign of BEFORE_PLACES) add(`${sign}${place}`, k, { of: 'place', sign: lettersIn(sign).length });
    }
    const sorts = groups.flatMap(({ names, regions: those }) =>
      names.map((name): Named => ({ name: lettersIn(name), regions: those, of: 'sort' })),
    );
    this.#names = [...byName.values(), ...sorts].sort((a, b) => b.name.length - a.name.length);
    this.#bytes = tokenizer.tokenBytes();
  }

  /**
   * What is spoken of: within the name or the box of a region that region, letter by letter where it is spelled; elsewhere in
   * the answer all that was mentioned before it. From a place or a sort of things that the answer itself names on, to the end of the
   * sentence or the next thing or place that it names, what lies there or those of that sort.
   */
  looks({ tokens, learned }: Pick<EncodedConversation, 'tokens' | 'learned'>): Looks {
    const first = learned.indexOf(1);
    const spelled = spell(tokens, this.#bytes);
    const mentions = [...this.#boxMentions(tokens), ...this.#nameMentions(spelled)]
      .filter(({ start, of }) => of !== 'place' || start >= first)
      .sort((a, b) => a.start - b.start);
    const before = mentions.filter(({ start }) => start < first).map(({ end, regions }) => ({ at: end - 1, regions }));
    const things = before.filter(
      ({ regions }, i) => before.findIndex((other) => other.regions.join() === regions.join()) === i,
    );
    const all = [...new Set(before.flatMap(({ regions }) => regions))];
    const said: (readonly number[] | undefined)[] = Array.from(tokens, (_, i) =>
      learned[i] === 1 && all.length > 0 ? all : undefined,
    );
    const write = (start: number, end: number, regions: readonly number[]): void => {
      for (let i = start; i < end; i++) if (learned[i] === 1) said[i] = regions;
    };
    for (const [i, { start, end, regions, of }] of mentions.entries()) {
      if (of === 'thing') write(start, end, regions);
      else if (start >= first) {
        const next =
          mentions.slice(i + 1).find((other) => of === 'sort' || other.of !== 'sort')?.start ?? tokens.length;
        write(of === 'sort' ? end : start, Math.min(next, sentenceEnd(spelled, end)), regions);
      }
    }
    return { said, mentions: before, asked: things.slice(0, 2).map(({ at }) => at) };
  }

  #boxMentions(tokens: readonly number[]): Mention[] {
    const mentions: Mention[] = [];
    for (const [k, box] of this.#boxes.entries()) {
      if (box.length === 0) continue;
      for (let start = tokens.indexOf(box[0]!); start >= 0; start = tokens.indexOf(box[0]!, start + 1))
        if (box.every((token, j) => tokens[start + j] === token))
          mentions.push({ start, end: start + box.length, regions: [k], of: 'thing' });
    }
    return mentions;
  }

  /** Names are looked for in the text, since tokens may reach over their ends; the longest wins, so that "hot dog" names no dog. */
  #nameMentions(spelled: Spelled): Mention[] {
    const { text } = spelled;
    const taken = new Uint8Array(text.length);
    const mentions: Mention[] = [];
    for (const { name, regions, of, letters, sign = 0 } of this.#names) {
      for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
        const stop = at + name.length;
        if (!isWhole(text, at, stop) || taken.subarray(at, stop).includes(1)) continue;
        taken.fill(1, at, stop);
        const [start, end] = [tokenAt(spelled, at + sign), tokenAt(spelled, stop - 1) + 1];
        // Only where every character is a token of its own does it say where it stands.
        if (letters?.length === end - start)
          mentions.push(
            ...letters.map((letter, i): Mention => ({ start: start + i, end: start + i + 1, regions: [letter], of })),
          );
        else mentions.push({ start, end, regions, of });
      }
    }
    return mentions;
  }
}

/** A full stop, also the Chinese one, whose bytes are so written by {@link lettersIn}. */
const SENTENCE_END = new RegExp(`\\.|${lettersIn('。')}`);

/** The next token from `start` on that ends a sentence, whose sign may be taken apart into its bytes; or how many tokens there are. */
function sentenceEnd(spelled: Spelled, start: number): number {
  const { text, ends } = spelled;
  const from = ends[start - 1] ?? 0;
  const sign = text.slice(from).search(SENTENCE_END);
  return sign < 0 ? ends.length : tokenAt(spelled, from + sign);
}

const LETTER = /[a-z\d]/;

/** Whether no Latin word is cut; an s may follow, as in most plurals. */
function isWhole(text: string, start: number, end: number): boolean {
  const joined = (at: number): boolean => LETTER.test(text[at - 1] ?? '') && LETTER.test(text[at] ?? '');
  return !joined(start) && (!joined(end) || (text[end] === 's' && !joined(end + 1)));
}

/** Part of a region's largest share of a square from which the square belongs to it. */
const BELONGS = 0.2;

/** Which of `side` × `side` squares of a picture, row by row, belong to a region. */
export function squaresOf(box: RelativeBox, side: number): number[] {
  const shares = new Float32Array(side ** 2);
  writeOverlap(box, side, shares);
  const least = BELONGS * Math.max(...shares);
  return [...shares.keys()].filter((square) => shares[square]! > least);
}

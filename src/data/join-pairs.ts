/** The loop behind trained vocabularies: the most frequent pair of neighbours is joined, again and again (Sennrich et al. 2016). */

/** A word of the training texts as ids of its pieces, and how often it occurs. */
export interface CountedWord {
  pieces: number[];
  readonly count: number;
}

export interface JoiningOptions {
  /** Pairs that occur less often are not joined. */
  readonly minCount: number;
  /** @returns what two neighbours become; undefined where they may not be joined */
  readonly join: (left: string, right: string) => string | undefined;
}

export interface JoinedPair {
  readonly left: string;
  readonly right: string;
  readonly joined: string;
}

/** A pair in the queue, with its count when it was put there: a later one may be lower, which is seen when it is taken out. */
interface Candidate {
  readonly key: number;
  readonly count: number;
  /** Decides among equal counts. */
  readonly name: string;
}

/** Ids are below this, so that two of them are one exact number. */
const MAX_ID = 2 ** 24;

/**
 * Gives pairs in the order in which they are joined, and joins them in the words; ends where no pair is left. Of pairs that
 * occur equally often the one that sorts first comes first, so that equal words give equal results.
 * @param words changed in place
 * @param names texts of the pieces by id; joined pieces are added
 */
export function* joinPairs(
  words: readonly CountedWord[],
  names: string[],
  { minCount, join }: JoiningOptions,
): Generator<JoinedPair, void, void> {
  const ids = new Map(names.map((name, id) => [name, id]));
  const counts = new Map<number, number>();
  /** Words that a pair is in, or was: numbers in `words`, some of them twice. */
  const places = new Map<number, number[]>();
  const queue = new CandidateQueue();
  const push = (key: number): void => {
    const count = counts.get(key) ?? 0;
    const [left, right] = [names[Math.floor(key / MAX_ID)]!, names[key % MAX_ID]!];
    if (count >= minCount && join(left, right) !== undefined) queue.push({ key, count, name: `${left} ${right}` });
  };
  const note = (key: number, word: number): void => {
    const list = places.get(key);
    if (list === undefined) places.set(key, [word]);
    else if (list.at(-1) !== word) list.push(word);
  };
  for (const [number, { pieces, count }] of words.entries())
    for (const key of keysOf(pieces)) {
      counts.set(key, (counts.get(key) ?? 0) + count);
      note(key, number);
    }
  for (const key of counts.keys()) push(key);

  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { key, count } = next;
    const now = counts.get(key) ?? 0;
    if (now !== count) {
      // A count that has grown was put into the queue again at once.
      if (now < count) push(key);
      continue;
    }
    const [leftId, rightId] = [Math.floor(key / MAX_ID), key % MAX_ID];
    const [left, right] = [names[leftId]!, names[rightId]!];
    const joined = join(left, right)!;
    yield { left, right, joined };
    let id = ids.get(joined);
    if (id === undefined) {
      id = names.push(joined) - 1;
      ids.set(joined, id);
    }
    const grown = new Set<number>();
    for (const number of places.get(key)!) {
      const word = words[number]!;
      const pieces = joinIn(word.pieces, leftId, rightId, id);
      if (pieces.length === word.pieces.length) continue;
      for (const old of keysOf(word.pieces)) counts.set(old, counts.get(old)! - word.count);
      for (const fresh of keysOf(pieces)) {
        counts.set(fresh, (counts.get(fresh) ?? 0) + word.count);
        if (Math.floor(fresh / MAX_ID) !== id && fresh % MAX_ID !== id) continue;
        grown.add(fresh);
        note(fresh, number);
      }
      word.pieces = pieces;
    }
    counts.delete(key);
    places.delete(key);
    for (const fresh of grown) push(fresh);
  }
}

function* keysOf(pieces: readonly number[]): Generator<number, void, void> {
  for (let i = 0; i + 1 < pieces.length; i++) yield pieces[i]! * MAX_ID + pieces[i + 1]!;
}

function joinIn(pieces: readonly number[], left: number, right: number, joined: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < pieces.length; i++) {
    const matches = pieces[i] === left && pieces[i + 1] === right;
    result.push(matches ? joined : pieces[i]!);
    if (matches) i++;
  }
  return result;
}

/** A heap: the most frequent pair is on top. */
class CandidateQueue {
  readonly #items: Candidate[] = [];

  push(item: Candidate): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Candidate | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++;
      if (!before(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}

function before(a: Candidate, b: Candidate): boolean {
  return a.count > b.count || (a.count === b.count && a.name < b.name);
}

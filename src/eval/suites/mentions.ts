/** Which things a text names. */

/** A thing with the names that it may be called by. */
export interface NamedThing {
  readonly key: string;
  readonly names: readonly string[];
}

/** Finds the names of known things in texts of one language; the longest name wins, so that "hot dog" names no dog. */
export class Lexicon {
  readonly #chinese: boolean;
  /** Names as lists of words, or of characters in Chinese, by the first of them; the longest first. */
  readonly #byFirst = new Map<string, { readonly key: string; readonly words: readonly string[] }[]>();

  /** @param language `zh` has no spaces between words; others are read word by word */
  constructor(language: string, things: readonly NamedThing[]) {
    this.#chinese = language === 'zh';
    for (const { key, names } of things) {
      for (const name of names) {
        const words = this.#words(name);
        if (words.length === 0) continue;
        const list = this.#byFirst.get(words[0]!) ?? [];
        this.#byFirst.set(words[0]!, list);
        list.push({ key, words });
      }
    }
    for (const list of this.#byFirst.values()) list.sort((a, b) => b.words.length - a.words.length);
  }

  /** Keys of what is named, in the order of the text, as often as it is named. */
  find(text: string): string[] {
    const words = this.#words(text);
    const found: string[] = [];
    for (let at = 0; at < words.length;) {
      const match = this.#matchAt(words, at);
      if (match !== undefined) found.push(match.key);
      at += match?.words.length ?? 1;
    }
    return found;
  }

  #matchAt(words: readonly string[], at: number): { key: string; words: readonly string[] } | undefined {
    const heads = this.#chinese ? [words[at]!] : [words[at]!, ...singulars(words[at]!)];
    const candidates = heads.flatMap((head) => this.#byFirst.get(head) ?? []);
    // As it is said comes before a singular: "musical notes" has a name of its own beside "musical note".
    let best: { key: string; words: readonly string[] } | undefined;
    for (const candidate of candidates) {
      if (candidate.words.length <= (best?.words.length ?? 0)) continue;
      if (candidate.words.every((word, i) => this.#same(words[at + i], word))) best = candidate;
    }
    const exact = candidates.find(
      (candidate) =>
        candidate.words.length === best?.words.length && candidate.words.every((word, i) => words[at + i] === word),
    );
    return exact ?? best;
  }

  #same(said: string | undefined, name: string): boolean {
    return said !== undefined && (said === name || (!this.#chinese && singulars(said).includes(name)));
  }

  #words(text: string): string[] {
    const plain = text.normalize('NFKC').toLowerCase();
    // What is neither letter nor number parts names.
    if (this.#chinese) return [...plain.replaceAll(/[^\p{L}\p{N}]+/gu, '\n').replaceAll(/^\n|\n$/g, '')];
    return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
  }
}

/** What an English plural may be the plural of. */
function singulars(word: string): string[] {
  if (!word.endsWith('s') || word.length < 3) return [];
  const all = [word.slice(0, -1)];
  if (word.endsWith('es')) all.push(word.slice(0, -2));
  if (word.endsWith('ies')) all.push(`${word.slice(0, -3)}y`);
  if (word.endsWith('ves')) all.push(`${word.slice(0, -3)}f`, `${word.slice(0, -3)}fe`);
  return all;
}

/** What a caption says of what is shown. */
export interface CaptionScore {
  /** Of the different things named and shown: 2 · both / (named + shown); 1 where there are none of either. */
  readonly f1: number;
  /** Things named that are not there, each as often as it is named, and all that are named (CHAIR_i's two counts). */
  readonly absent: number;
  readonly named: number;
}

/** @param named keys, as often as they are named  @param shown keys */
export function captionScore(named: readonly string[], shown: readonly string[]): CaptionScore {
  const [said, there] = [new Set(named), new Set(shown)];
  const both = [...said].filter((key) => there.has(key)).length;
  return {
    f1: said.size + there.size === 0 ? 1 : (2 * both) / (said.size + there.size),
    absent: named.filter((key) => !there.has(key)).length,
    named: named.length,
  };
}

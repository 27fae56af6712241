// V vocabulary, N nodes of the tree
import { GenerationError } from '../../core/index.ts';
import type { TokenBytes } from '../../data/index.ts';
import { type Automaton, DEAD } from './automaton.ts';

/** Longest token that is taken: what lies beyond is never needed and would only cost memory. */
const MAX_BYTES = 256;

/** A vocabulary as a tree of bytes, so that tokens with a common beginning are looked at together. */
export class TokenTree {
  readonly bytes: TokenBytes;
  /** In preorder: the byte, how deep from 1, and where the nodes below end. */
  readonly #byte: Uint8Array;
  readonly #depth: Uint16Array;
  readonly #end: Int32Array;
  /** A token that ends at the node, or −1; and for each token the next one with the same bytes, or −1. */
  readonly #token: Int32Array;
  readonly #same: Int32Array;

  /** @throws GenerationError when no token has bytes */
  constructor(bytes: TokenBytes) {
    this.bytes = bytes;
    const order = Array.from(bytes.keys()).filter((token) => {
      const length = bytes[token]?.length ?? 0;
      return length > 0 && length <= MAX_BYTES;
    });
    if (order.length === 0)
      throw new GenerationError('no token of the vocabulary has bytes', 'use the tokenizer of this checkpoint');
    order.sort((a, b) => compare(bytes[a]!, bytes[b]!) || a - b);
    let most = 0;
    for (const token of order) most += bytes[token]!.length;
    const byte = new Uint8Array(most);
    const depth = new Uint16Array(most);
    const end = new Int32Array(most);
    const ending = new Int32Array(most).fill(-1);
    this.#same = new Int32Array(bytes.length).fill(-1);
    /** Nodes from the root to the last token. */
    const path: number[] = [];
    let nodes = 0;
    let before: Uint8Array = new Uint8Array(0);
    for (const token of order) {
      const mine = bytes[token]!;
      let shared = 0;
      while (shared < before.length && shared < mine.length && before[shared] === mine[shared]) shared++;
      while (path.length > shared) end[path.pop()!] = nodes;
      for (let i = shared; i < mine.length; i++) {
        byte[nodes] = mine[i]!;
        depth[nodes] = i + 1;
        path.push(nodes++);
      }
      const node = path.at(-1)!;
      this.#same[token] = ending[node]!;
      ending[node] = token;
      before = mine;
    }
    for (const node of path) end[node] = nodes;
    this.#byte = byte.slice(0, nodes);
    this.#depth = depth.slice(0, nodes);
    this.#end = end.slice(0, nodes);
    this.#token = ending.slice(0, nodes);
  }

  /** Words of 32 tokens that a set of them takes. */
  get words(): number {
    return Math.ceil(this.bytes.length / 32);
  }

  /** The tokens that lead from a state to one that is not dead, one bit each. */
  allowed(automaton: Automaton, state: number): Uint32Array {
    const set = new Uint32Array(this.words);
    const [byte, depth, end, token, same] = [this.#byte, this.#depth, this.#end, this.#token, this.#same];
    /** The state after the bytes to each depth. */
    const states = new Int32Array(MAX_BYTES + 1);
    states[0] = state;
    for (let node = 0; node < byte.length;) {
      const from = states[depth[node]! - 1]!;
      const to = automaton.row(from)[from * 256 + byte[node]!]!;
      if (to === DEAD) {
        node = end[node]!;
        continue;
      }
      states[depth[node]!] = to;
      for (let found = token[node]!; found >= 0; found = same[found]!) set[found >> 5]! |= 1 << (found & 31);
      node++;
    }
    return set;
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

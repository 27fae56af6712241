/** Tokens of a block: what agrees with an earlier prompt only in part of a block is read again. */
export const BLOCK = 16;

/** Keys and values of a few tokens that came after certain others. */
export interface PrefixBlock {
  /** Of all caches, for {@link BLOCK} tokens. */
  readonly numbers: Float32Array;
}

class Node implements PrefixBlock {
  readonly numbers: Float32Array;
  readonly parent: Node | undefined;
  readonly key: string;
  readonly children = new Map<string, Node>();

  constructor(numbers: Float32Array, parent?: Node, key = '') {
    this.numbers = numbers;
    this.parent = parent;
    this.key = key;
  }
}

/**
 * What models have read, by content: blocks of tokens in a tree, each under those that came before it, so that prompts that
 * begin alike share what they have in common (Kwon et al. 2023, arXiv 2309.06180; Zheng et al. 2023, arXiv 2312.07104). Within a
 * budget of bytes; the blocks that were used longest ago go first, and none before those that come after it.
 */
export class PrefixCache {
  readonly #budget: number;
  /** Of models that differ, such as by an adapter. */
  readonly #roots = new Map<string, Node>();
  /** All blocks, the one that was used last at the end. */
  readonly #order = new Set<Node>();
  #bytes = 0;

  /** @param budget bytes of keys and values; 0 keeps nothing */
  constructor(budget: number) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get blocks(): number {
    return this.#order.size;
  }

  /**
   * What is known of the beginning of a text.
   * @param model tells apart what is read by different models  @param keys of its blocks, one after another
   */
  find(model: string, keys: readonly string[]): PrefixBlock[] {
    const found = this.#walk(model, keys);
    this.#touch(found);
    return found;
  }

  /**
   * Keeps a block.
   * @param keys of all blocks up to it; it is dropped where those before it are not known any more
   * @param numbers kept as they are
   */
  add(model: string, keys: readonly string[], numbers: Float32Array): void {
    if (numbers.byteLength > this.#budget) return;
    const chain = this.#walk(model, keys);
    if (chain.length < keys.length - 1) return;
    if (chain.length === keys.length - 1) {
      const parent = chain.at(-1) ?? this.#root(model);
      const node = new Node(numbers, parent, keys.at(-1)!);
      parent.children.set(node.key, node);
      chain.push(node);
      this.#bytes += numbers.byteLength;
    }
    this.#touch(chain);
    this.#shrink();
  }

  clear(): void {
    this.#roots.clear();
    this.#order.clear();
    this.#bytes = 0;
  }

  #walk(model: string, keys: readonly string[]): Node[] {
    const chain: Node[] = [];
    let node = this.#roots.get(model);
    for (const key of keys) {
      node = node?.children.get(key);
      if (node === undefined) break;
      chain.push(node);
    }
    return chain;
  }

  #root(model: string): Node {
    let root = this.#roots.get(model);
    if (root === undefined) this.#roots.set(model, (root = new Node(new Float32Array(0))));
    return root;
  }

  /** The last first, so that no block is older than what comes after it. */
  #touch(chain: readonly Node[]): void {
    for (let i = chain.length - 1; i >= 0; i--) {
      this.#order.delete(chain[i]!);
      this.#order.add(chain[i]!);
    }
  }

  #shrink(): void {
    for (const node of this.#order) {
      if (this.#bytes <= this.#budget) return;
      this.#order.delete(node);
      node.parent!.children.delete(node.key);
      this.#bytes -= node.numbers.byteLength;
    }
  }
}

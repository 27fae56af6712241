// N rows, K numbers in a row
import type { Node, Tensor } from '../../graph/index.ts';
import type { ExternalData, QuantizedData } from '../builder.ts';
import { StoredWeight } from './stored-weight.ts';
import type { Lowering } from './shared.ts';

type Product = Node<'linear'>;

/**
 * Products of one input with quantized weights that lie side by side in their file, such as the two of a gated feed-forward
 * part: one product with all rows, cut apart afterwards. Measured for single tokens at a width of 576: 46 µs in place of
 * 104 for two matrices of 1,536 rows, since waking the threads costs as much as the work.
 */
export class JointProducts {
  readonly #groups = new Map<Product, readonly Product[]>();
  readonly #results = new Map<Product, string>();

  /** @param stored the weight of a parameter that its file does not hold as the graph takes it */
  constructor(nodes: readonly Node[], stored: (weight: Tensor) => StoredWeight | undefined) {
    const byInput = new Map<Tensor, { node: Product; data: ExternalData }[]>();
    for (const node of nodes) {
      if (node.op !== 'linear' || node.inputs[0]!.dtype !== 'float32') continue;
      const data = stored(node.inputs[1]!)?.data;
      if (data?.quantized === undefined) continue;
      const members = byInput.get(node.inputs[0]!) ?? [];
      members.push({ node: node as Product, data });
      byInput.set(node.inputs[0]!, members);
    }
    for (const members of byInput.values()) {
      members.sort((a, b) => a.data.offset - b.data.offset);
      let run: typeof members = [];
      for (const member of members) {
        const last = run.at(-1);
        if (last !== undefined && !follows(last.data, member.data)) {
          this.#add(run.map(({ node }) => node));
          run = [];
        }
        run.push(member);
      }
      this.#add(run.map(({ node }) => node));
    }
  }

  /** Name of a product's result, without its bias; undefined where it has no company. @param x name of its input */
  result(context: Lowering, node: Product, x: string): string | undefined {
    const group = this.#groups.get(node);
    if (group === undefined) return undefined;
    if (!this.#results.has(node)) this.#write(context, group, x);
    return this.#results.get(node);
  }

  #write(context: Lowering, group: readonly Product[], x: string): void {
    const { builder } = context;
    const weights = group.map(({ inputs }) => context.stored(inputs[1]!)!);
    const rows = weights.map(({ tensor }) => tensor.shape[0] as number);
    const product = StoredWeight.joined(weights).product(x, undefined);
    const parts = builder.ops('Split', group.length, [product, builder.integers(rows)], { axis: -1 });
    group.forEach((node, i) => this.#results.set(node, parts[i]!));
  }

  #add(group: readonly Product[]): void {
    if (group.length > 1) for (const node of group) this.#groups.set(node, group);
  }
}

/** Whether the second weight begins where the first one ends, in all of its parts, and is made in the same way. */
function follows(a: ExternalData, b: ExternalData): boolean {
  const [first, second] = [a.quantized, b.quantized] as [QuantizedData, QuantizedData];
  const adjacent = (x: ExternalData | undefined, y: ExternalData | undefined): boolean =>
    x === undefined || y === undefined ? x === y : x.location === y.location && x.offset + x.length === y.offset;
  return (
    first.bits === second.bits &&
    first.block === second.block &&
    adjacent(a, b) &&
    adjacent(first.scales, second.scales) &&
    adjacent(first.zeroPoints, second.zeroPoints)
  );
}

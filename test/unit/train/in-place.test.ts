import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ModelProtoSchema } from '../../../src/onnx/generated/onnx_pb.ts';
import type { LoweredGraph } from '../../../src/onnx/index.ts';
import { muon } from '../../../src/train/muon.ts';
import { adamW, lion, type Optimizer, sgd, withEma } from '../../../src/train/optimizers.ts';
import { accumulateGraph, updateGraph } from '../../../src/train/step-graph.ts';

/**
 * Nodes that could read an input after it was overwritten: readers that the node writing `new:<input>` does not depend on.
 * The engine may run those in any order, so an update in place must not have any.
 */
function hazards({ bytes }: LoweredGraph): string[] {
  const { node, input, output } = fromBinary(ModelProtoSchema, bytes).graph!;
  const producer = new Map(node.flatMap((each) => each.output.map((name) => [name, each] as const)));
  const found: string[] = [];
  for (const { name } of input) {
    const written = producer.get(`new:${name}`);
    if (written === undefined || !output.some((each) => each.name === `new:${name}`)) continue;
    const before = new Set([written]);
    for (const each of before)
      for (const source of each.input) if (producer.has(source)) before.add(producer.get(source)!);
    for (const reader of node)
      if (reader.input.includes(name) && !before.has(reader)) found.push(`${reader.name} reads ${name}`);
  }
  return found;
}

describe('updates in place', () => {
  it.each<[string, Optimizer]>([
    ['AdamW', adamW()],
    ['SGD', sgd()],
    ['SGD with momentum', sgd({ momentum: 0.9 })],
    ['Lion', lion()],
    ['Lion that steps by the last gradient alone', lion({ betas: [0, 0.9] })],
    ['AdamW with an average', withEma(adamW(), 0.99)],
    ['SGD with an average', withEma(sgd({ momentum: 0.9 }), 0.99)],
    ['Lion with an average', withEma(lion(), 0.99)],
  ])('of %s read nothing that was overwritten', (_, optimizer) => {
    expect(hazards(updateGraph(optimizer, [64], 'cpu'))).toEqual([]);
  });

  it.each([
    ['wide', [4, 8], muon()],
    ['tall', [8, 4], muon()],
    ['averaged', [4, 4], withEma(muon(), 0.99)],
  ] as const)('of %s matrices by Muon read nothing that was overwritten', (_, shape, { matrices }) => {
    expect(hazards(updateGraph(matrices!, shape, 'cpu'))).toEqual([]);
  });

  it('of sums read nothing that was overwritten', () => {
    expect(hazards(accumulateGraph(64, 'cpu'))).toEqual([]);
  });

  it('would be noticed if they did', () => {
    const careless: Optimizer = {
      ...sgd({ momentum: 0.9 }),
      update(weight, gradient, [momentum], numbers) {
        const faster = sgd({ momentum: 0.9 }).update(weight, gradient, [momentum!], numbers);
        const slower = sgd({ momentum: 0.5 }).update(weight, gradient, [momentum!], numbers);
        // The weight and the new momentum both read the old one, in no order.
        return { weight: faster.weight, slots: slower.slots };
      },
    };
    expect(hazards(updateGraph(careless, [64], 'cpu'))).toHaveLength(1);
  });
});

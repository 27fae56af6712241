import { describe, expect, it } from 'vitest';
import { GraphError, Random } from '../../../src/core/index.ts';
import { initializers, Linear, Module, Parameter } from '../../../src/nn/index.ts';

class Inner extends Module {
  readonly scale: Parameter = new Parameter([4], initializers.ones);
  readonly layers: readonly Linear[] = [new Linear(4, 4), new Linear(4, 2, { bias: false })];
}

class Outer extends Module {
  readonly first: Inner = new Inner();
  readonly tied: Parameter;

  constructor() {
    super();
    this.tied = this.first.layers[0]!.weight;
  }
}

describe('Module', () => {
  it('finds parameters by path, shared ones once', () => {
    const model = new Outer();
    const paths = ['first.scale', 'first.layers.0.weight', 'first.layers.0.bias', 'first.layers.1.weight'];
    expect([...model.parameters().keys()]).toEqual(paths);
    expect(model.first.layers[1]!.path).toBe('first.layers.1');
    expect(model.tied.path).toBe('first.layers.0.weight');
  });

  it('belongs to one model', () => {
    const model = new Outer();
    model.parameters();
    class Other extends Module {
      readonly taken: Inner = model.first;
    }
    expect(() => new Other().parameters()).toThrow(GraphError);
  });

  it('refuses names that could not be paths', () => {
    class Dotted extends Module {
      constructor() {
        super();
        Object.assign(this, { 'a.b': new Linear(1, 1) });
      }
    }
    expect(() => new Dotted().parameters()).toThrow(/'a\.b'/);
  });

  it('decays matrices, not vectors', () => {
    const decays = [...new Outer().parameters().values()].map(({ decay }) => decay);
    expect(decays).toEqual([false, true, false, true]);
  });

  it('starts every weight from numbers of its own, whatever stands beside it', () => {
    const [a, b] = [new Outer().initialize(new Random(1)), new Inner().initialize(new Random(1))];
    expect(a).toEqual(new Outer().initialize(new Random(1)));
    expect(a['first.layers.0.weight']!.data).not.toEqual(b['layers.0.weight']!.data);
    expect(a).not.toEqual(new Outer().initialize(new Random(2)));
  });
});

describe('initializers', () => {
  const moments = (data: Float32Array): [mean: number, deviation: number] => {
    const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
    return [mean, Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length)];
  };
  const shape = [128, 64, 3, 3];
  const count = 128 * 64 * 9;

  it.each([
    ['normal', initializers.normal(0.5), 0.5],
    ['kaimingNormal', initializers.kaimingNormal, Math.sqrt(2 / (64 * 9))],
    ['kaimingUniform', initializers.kaimingUniform, 1 / Math.sqrt(64 * 9 * 3)],
    ['xavierUniform', initializers.xavierUniform, Math.sqrt(2 / ((64 + 128) * 9))],
    // A normal distribution cut at two deviations has 0.8796 of its deviation.
    ['truncatedNormal', initializers.truncatedNormal(0.5), 0.5 * 0.8796],
  ])('%s has mean 0 and its deviation', (_, initializer, deviation) => {
    const [mean, spread] = moments(initializer(shape, new Random(3)).data);
    expect(Math.abs(mean)).toBeLessThan((5 * deviation) / Math.sqrt(count));
    expect(spread / deviation).toBeCloseTo(1, 2);
  });

  it('truncatedNormal stays within two deviations', () => {
    const { data } = initializers.truncatedNormal(0.5)([10_000], new Random(4));
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(1);
  });
});

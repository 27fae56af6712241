import { staticShape } from '../../graph/index.ts';
import { dataType } from '../builder.ts';
import type { LoweringRule } from './shared.ts';

/**
 * An integer hash of (position, site, seed). It mixes by squaring, which is not linear: numbers of neighbouring seeds and
 * sites are unrelated then (squares of counters are the idea of Widynski 2020, arXiv 2004.06278). Divisions stand in
 * for shifts, since every device has multiplication, which wraps, and division for int32. The result has 24 bits, as
 * many as float32 can hold.
 */
export const randomUniform: LoweringRule<'randomUniform'> = (context, { attributes }, [seed]) => {
  const { builder } = context;
  const count = staticShape(attributes.shape, 'randomUniform').reduce((a, b) => a * b, 1);
  const int = (value: number): string => builder.scalar(value | 0, 'int32');
  const add = (a: string, b: string): string => builder.op('Add', [a, b]);
  const mul = (a: string, b: string): string => builder.op('Mul', [a, b]);
  /** The upper half added to the lower one, from where the next square carries it upwards again. */
  const fold = (x: string): string => add(x, builder.op('Div', [x, int(1 << 16)]));
  const odd = (x: string): string => add(add(x, x), int(1));
  const mixKey = (key: string): string => {
    let x = key;
    for (let round = 0; round < 3; round++) {
      x = fold(x);
      x = add(mul(x, odd(x)), int(0x9e3779b1));
    }
    return x;
  };
  // Scalars: where the positions start, and what the two squares take in.
  const start = mixKey(add(mul(seed!, int(0x9e3779b1)), int(Math.imul(attributes.site + 1, 0x85ebca6b))));
  const first = odd(mixKey(add(start, int(0x632be5ab))));
  const second = odd(mixKey(add(start, int(0x1b873593))));

  const positions = builder.op('Range', [
    builder.scalar(0, 'int32'),
    builder.scalar(count, 'int32'),
    builder.scalar(1, 'int32'),
  ]);
  let x = add(mul(positions, int(0x2c9277b5)), start);
  x = fold(mul(x, add(x, first)));
  x = mul(x, add(x, second));
  // Drop the low byte, so that the conversion is exact, then shift from [−2²³, 2²³) to [0, 1).
  const high = builder.op('Cast', [builder.op('Div', [x, int(256)])], { to: dataType('float32') });
  const unit = add(mul(high, builder.scalar(2 ** -24)), builder.scalar(0.5));
  return [builder.op('Reshape', [unit, context.shape(attributes.shape)])];
};

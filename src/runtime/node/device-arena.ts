import { byteSize, elementCount, ShapeError } from '../../core/index.ts';
import { checkShape } from '../checks.ts';
import type { Arena, Value } from '../types.ts';
import type { CpuMemory } from './cpu-memory.ts';
import { DeviceValue, type ValueHome } from './device-value.ts';

const ALIGNMENT = 64;
const WIDTH = byteSize('float32');

/** Where tensors lie in an arena. */
export interface ArenaLayout {
  /** Byte offset of each tensor, a multiple of 64. */
  readonly offsets: number[];
  /** Length of the whole in float32 elements. */
  readonly length: number;
}

/** Places float32 tensors one after the other. The whole is a multiple of 64 bytes and of `padTo` elements. */
export function arenaLayout(shapes: readonly (readonly number[])[], padTo = 1): ArenaLayout {
  if (!Number.isSafeInteger(padTo) || padTo < 1)
    throw new ShapeError(`an arena cannot be padded to a multiple of ${padTo}`);
  const offsets: number[] = [];
  let end = 0;
  for (const shape of shapes) {
    checkShape(shape);
    offsets.push(end);
    end += Math.ceil((elementCount(shape) * WIDTH) / ALIGNMENT) * ALIGNMENT;
  }
  const elements = Math.max(end / WIDTH, ALIGNMENT / WIDTH);
  return { offsets, length: Math.ceil(elements / padTo) * padTo };
}

/** Tensors side by side in one block of native memory. */
export function createArena(
  home: ValueHome,
  memory: CpuMemory,
  specs: readonly { name: string; shape: readonly number[] }[],
  padTo?: number,
): Arena {
  const layout = arenaLayout(
    specs.map((spec) => spec.shape),
    padTo,
  );
  const block = memory.block(layout.length * WIDTH, true);
  new Uint8Array(block.buffer).fill(0);
  const made: Value[] = [];
  const view = (start: number, shape: readonly number[]): Value => {
    const value = new DeviceValue(home, 'float32', shape, memory.view(block, start, 'float32', shape), true);
    made.push(value);
    return value;
  };
  const values: Record<string, Value> = {};
  for (const [i, spec] of specs.entries()) {
    if (spec.name in values) throw new ShapeError(`an arena cannot hold two tensors named "${spec.name}"`);
    values[spec.name] = view(layout.offsets[i]!, spec.shape);
  }
  const flat = view(0, [layout.length]);
  // Each view owns a share of the block; the arena itself needs none beyond them.
  block.release();
  return {
    values,
    flat,
    chunks: (chunkLength) => {
      if (!Number.isSafeInteger(chunkLength) || chunkLength < 1)
        throw new ShapeError(`no chunks of ${chunkLength} elements`);
      const chunks: Value[] = [];
      for (let start = 0; start < layout.length; start += chunkLength) {
        chunks.push(view(start * WIDTH, [Math.min(chunkLength, layout.length - start)]));
      }
      return chunks;
    },
    matrix: (width) => {
      if (!Number.isSafeInteger(width) || width < 1 || layout.length % width !== 0) {
        throw new ShapeError(
          `an arena of ${layout.length} elements has no rows of ${width}`,
          'give the width as `padTo`',
        );
      }
      return view(0, [layout.length / width, width]);
    },
    dispose: () => {
      for (const value of made.splice(0)) value.dispose();
    },
  };
}

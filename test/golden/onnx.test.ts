/**
 * A refactoring that claims to change nothing leaves the emitted ONNX bytes as they are. Where they are meant to change:
 *
 *     npx vitest run test/golden -u
 *
 * writes the new hashes into golden/__snapshots__, and the commit shows which graphs changed.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { graphs } from './graphs.ts';

describe('emitted ONNX', () => {
  it.each(Object.entries(graphs))('%s', (_, make) => {
    const { bytes, nodeCount } = make();
    expect({
      nodeCount,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }).toMatchSnapshot();
    // And once more in the same process: nothing that was traced before may show.
    expect(createHash('sha256').update(make().bytes).digest('hex')).toBe(
      createHash('sha256').update(bytes).digest('hex'),
    );
  });
});

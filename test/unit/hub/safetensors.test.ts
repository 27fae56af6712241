import { describe, expect, it } from 'vitest';
import { CheckpointError, hostTensor, Random } from '../../../src/core/index.ts';
import type { DType, HostTensor } from '../../../src/core/index.ts';
import {
  encodeSafetensors,
  MAX_HEADER_BYTES,
  parseSafetensors,
  readHeaderLength,
} from '../../../src/hub/safetensors.ts';

/** A file of a header given as text and of `dataLength` zero bytes. */
function fileOf(header: string | Uint8Array, dataLength = 0): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

function errorOf(action: () => unknown): CheckpointError {
  try {
    action();
  } catch (error) {
    if (error instanceof CheckpointError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function samples(): Map<string, HostTensor> {
  return new Map<string, HostTensor>([
    ['z.weight', hostTensor('float32', [2, 3], Float32Array.of(1, -2, 3.5, Number.NaN, -0, Infinity))],
    ['flag', hostTensor('bool', [3], Uint8Array.of(1, 0, 1))],
    ['ids', hostTensor('int64', [2], BigInt64Array.of(-5n, 9_007_199_254_740_993n))],
    ['half', hostTensor('float16', [3], Uint16Array.of(0x3c00, 0xbc00, 1))],
    ['brain', hostTensor('bfloat16', [1], Uint16Array.of(0x3f80))],
    ['double', hostTensor('float64', [], Float64Array.of(Math.PI))],
    ['int', hostTensor('int32', [1, 1], Int32Array.of(-7))],
    ['bytes', hostTensor('uint8', [5], Uint8Array.of(1, 2, 3, 4, 255))],
    ['signed', hostTensor('int8', [2], Int8Array.of(-128, 127))],
    ['empty', hostTensor('float32', [0, 4])],
    ['名前', hostTensor('float32', [1], Float32Array.of(1))],
    ['42', hostTensor('float32', [1], Float32Array.of(42))],
  ]);
}

describe('encoding and parsing', () => {
  it('gives back every type, every name and the metadata', () => {
    const tensors = samples();
    const parsed = parseSafetensors(encodeSafetensors(tensors, { format: 'pt', note: 'ü' }));
    expect(parsed.metadata).toEqual({ format: 'pt', note: 'ü' });
    expect([...parsed.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, tensor] of tensors) expect(parsed.tensors.get(name), name).toEqual(tensor);
  });

  it('is the same for any order of the tensors, and aligns each to its element size', () => {
    const tensors = samples();
    const bytes = encodeSafetensors(tensors);
    expect(encodeSafetensors(new Map([...tensors].reverse()))).toEqual(bytes);
    for (const tensor of parseSafetensors(bytes).tensors.values()) expect(tensor.data.buffer).toBe(bytes.buffer);
  });

  it('parses a file at an odd place in memory', () => {
    const bytes = encodeSafetensors(samples());
    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    expect(parseSafetensors(shifted).tensors.get('double')!.data[0]).toBe(Math.PI);
  });

  it('reads a file as another writer lays it out', () => {
    // Compact JSON, no padding, metadata last, the names in no order.
    const header =
      '{"b":{"dtype":"I32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{}}';
    const bytes = fileOf(header, 8);
    bytes[bytes.length - 4] = 7;
    const { tensors } = parseSafetensors(bytes);
    expect([...tensors.keys()]).toEqual(['a', 'b']);
    expect(tensors.get('b')!.data[0]).toBe(7);
  });

  it('reads a file without tensors', () => {
    expect(parseSafetensors(encodeSafetensors(new Map())).tensors.size).toBe(0);
  });

  it('refuses to write a reserved name', () => {
    expect(() => encodeSafetensors(new Map([['__metadata__', hostTensor('int8', [])]]))).toThrow(CheckpointError);
  });
});

describe('hostile headers', () => {
  const entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
  const cases: [what: string, header: string, dataLength: number, message: RegExp][] = [
    ['not JSON', '{"a":', 0, /not JSON/],
    ['an array', '[]', 0, /not an object/],
    ['null', 'null', 0, /not an object/],
    ['nothing', '', 0, /not JSON/],
    ['deep nesting', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 0, /not an object/],
    ['a name twice', `{"a":${entry},"a":${entry}}`, 4, /names "a" twice/],
    ['a name twice, once escaped', `{"a":${entry},"\\u0061" : ${entry}}`, 4, /names "a" twice/],
    ['a property twice', '{"a":{"dtype":"I8","shape":[4],"dtype":"F32","data_offsets":[0,4]}}', 4, /"dtype" twice/],
    ['an unknown property', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', 4, /"a": unknown .*"x"/],
    ['an entry that is a number', '{"a":1}', 0, /"a": .*not an object/],
    ['no dtype', '{"a":{"shape":[1],"data_offsets":[0,4]}}', 4, /"a": no dtype/],
    ['an unknown dtype', '{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}}', 4, /"F7" is not supported/],
    ['a dtype of the prototype', '{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,4]}}', 4, /not supported/],
    ['a negative size', '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4, /not a list of sizes/],
    ['a fractional size', '{"a":{"dtype":"F32","shape":[0.5],"data_offsets":[0,4]}}', 4, /not a list of sizes/],
    ['a size beyond 2⁵³', '{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,4]}}', 4, /not a list of sizes/],
    [
      'sizes whose product overflows',
      '{"a":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,4]}}',
      4,
      /needs/,
    ],
    [
      'sizes whose product is no number',
      `{"a":{"dtype":"F32","shape":[${Array(15).fill('9007199254740991').join()},0,0],"data_offsets":[0,0]}}`,
      0,
      /sizes/,
    ],
    ['too many sizes', `{"a":{"dtype":"F32","shape":[${Array(40).fill(1).join()}],"data_offsets":[0,4]}}`, 4, /sizes/],
    ['offsets backwards', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 4, /do not lie/],
    ['offsets beyond the end', '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4, /do not lie/],
    ['three offsets', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', 4, /two positions/],
    ['offsets as text', '{"a":{"dtype":"F32","shape":[1],"data_offsets":"04"}}', 4, /two positions/],
    ['a shape that does not fit', '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4, /needs 8 bytes/],
    ['an overlap', `{"a":${entry},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, 6, /"b" overlaps/],
    ['the same bytes twice', `{"a":${entry},"b":${entry}}`, 4, /overlaps/],
    ['a gap', `{"a":${entry},"b":{"dtype":"F32","shape":[1],"data_offsets":[6,10]}}`, 10, /gap of 2 bytes/],
    ['a gap at the start', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8, /gap of 4 bytes/],
    ['bytes at the end', `{"a":${entry}}`, 5, /1 bytes at the end/],
    ['metadata that is no object', '{"__metadata__":[]}', 0, /__metadata__/],
    ['metadata with a number', '{"__metadata__":{"a":1}}', 0, /__metadata__/],
  ];

  it.each(cases)('%s', (_, header, dataLength, message) => {
    const error = errorOf(() => parseSafetensors(fileOf(header, dataLength), 'here.safetensors'));
    expect(error.message).toMatch(message);
    expect(error.message).toContain('here.safetensors');
    expect(error.message.length).toBeLessThan(600);
  });

  it('a header that is not UTF-8', () => {
    expect(errorOf(() => parseSafetensors(fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)))).message).toMatch(/not JSON/);
  });

  it('a bool that is neither 0 nor 1', () => {
    const bytes = fileOf('{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}', 1);
    bytes[bytes.length - 1] = 2;
    expect(errorOf(() => parseSafetensors(bytes)).message).toMatch(/"a" is of bool/);
  });

  it('header lengths that do not fit, before anything is allocated', () => {
    for (const length of [9n, 1n << 32n, (1n << 63n) + 1n, (1n << 64n) - 1n]) {
      const prefix = new Uint8Array(16);
      new DataView(prefix.buffer).setBigUint64(0, length, true);
      expect(errorOf(() => readHeaderLength(prefix, 16, 'x')).message).toMatch(/does not fit/);
    }
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(MAX_HEADER_BYTES + 1), true);
    expect(errorOf(() => readHeaderLength(prefix, 2 ** 40, 'x')).message).toMatch(/at most/);
    expect(errorOf(() => readHeaderLength(prefix.subarray(0, 7), 7, 'x')).message).toMatch(/too few/);
  });

  it('every truncation', () => {
    const bytes = encodeSafetensors(samples(), { format: 'pt' });
    for (let length = 0; length < bytes.length; length++) errorOf(() => parseSafetensors(bytes.slice(0, length)));
  });
});

describe('mutated files', () => {
  it('give a typed error or tensors of the announced sizes', () => {
    const original = encodeSafetensors(samples(), { format: 'pt' });
    const random = new Random(2026);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const bytes = mutate(original, random);
      try {
        for (const [name, tensor] of parseSafetensors(bytes).tensors) {
          const size = tensor.shape.reduce((product, dim) => product * dim, 1);
          expect(tensor.data.length, name).toBe(size);
        }
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });
});

/** Flips, inserts, removes, repeats and swaps bytes, mostly in the header. */
function mutate(original: Uint8Array, random: Random): Uint8Array {
  const bytes = [...original];
  const changes = 1 + random.integer(4);
  for (let i = 0; i < changes; i++) {
    const at = random.integer(random.uniform() < 0.8 ? Math.min(bytes.length, 900) : bytes.length);
    const kind = random.integer(5);
    if (kind === 0) bytes[at] = bytes[at]! ^ (1 << random.integer(8));
    else if (kind === 1) bytes[at] = random.integer(256);
    else if (kind === 2) bytes.splice(at, 1 + random.integer(8));
    else if (kind === 3) bytes.splice(at, 0, ...bytes.slice(at, at + 1 + random.integer(40)));
    else bytes[at] = random.pick([...'0123456789{}[]",:-e'].map((char) => char.charCodeAt(0)));
  }
  return Uint8Array.from(bytes);
}

it('knows every type that a host tensor may have', () => {
  const dtypes: DType[] = ['float32', 'float64', 'float16', 'bfloat16', 'int64', 'int32', 'int8', 'uint8', 'bool'];
  for (const dtype of dtypes) {
    const { tensors } = parseSafetensors(encodeSafetensors(new Map([['t', hostTensor(dtype, [3])]])));
    expect(tensors.get('t')!.dtype).toBe(dtype);
  }
});

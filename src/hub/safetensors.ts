/**
 * The safetensors format, from bytes and to bytes. Everything in a file is hostile until parsed.
 *
 *     8 bytes   length of the header, little-endian
 *     header    JSON: { name: { dtype, shape, data_offsets: [begin, end] }, …, "__metadata__": { text: text } }
 *     data      tensors without gaps; offsets count from here
 *
 * Source: the format's description in github.com/huggingface/safetensors.
 */
import { byteSize, CheckpointError, elementCount, viewArray } from '../core/index.ts';
import type { DType, HostTensor } from '../core/index.ts';
import { scanJson } from '../core/json.ts';

/** Longest header that is read. 200,000 tensors need about 20 MB. */
export const MAX_HEADER_BYTES: number = 32 * 1024 * 1024;

const MAX_RANK = 16;
const PREFIX_BYTES = 8;
/** { name: { shape: [ … ] } } */
const HEADER_DEPTH = 3;
const REMEDY = 'the file is damaged or was not written as safetensors; fetch or write it again';

const DTYPE_OF_CODE: Readonly<Record<string, DType>> = {
  F32: 'float32',
  F64: 'float64',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};
const CODE_OF_DTYPE = Object.fromEntries(Object.entries(DTYPE_OF_CODE).map(([code, dtype]) => [dtype, code]));

/** A tensor's name, type and static shape. */
export interface TensorDescription {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Where a tensor lies in its file. */
export interface TensorEntry extends TensorDescription {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A parsed and checked header. */
export interface SafetensorsHeader {
  /** By name, in the order of the data. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads how long the header is.
 * @param prefix the first 8 bytes of the file (more do not matter)
 * @param fileLength bytes of the whole file
 * @param file its name, for messages
 * @throws CheckpointError when the header cannot fit into the file or is longer than {@link MAX_HEADER_BYTES}
 */
export function readHeaderLength(prefix: Uint8Array, fileLength: number, file: string): number {
  if (prefix.length < PREFIX_BYTES || fileLength < PREFIX_BYTES) {
    throw new CheckpointError(`${file}: ${fileLength} bytes are too few for a safetensors file`, REMEDY);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  if (length > BigInt(fileLength - PREFIX_BYTES)) {
    throw new CheckpointError(`${file}: a header of ${length} bytes does not fit into a file of ${fileLength}`, REMEDY);
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new CheckpointError(`${file}: a header of ${length} bytes; at most ${MAX_HEADER_BYTES} are read`, REMEDY);
  }
  return Number(length);
}

/**
 * Parses and checks a header.
 * @param bytes the header alone, without the 8 bytes before it
 * @param fileLength bytes of the whole file
 * @param file its name, for messages
 * @throws CheckpointError naming the file and the tensor: not JSON, an unknown type, a shape that does not fit its
 *   bytes, overlaps, gaps, a name given twice
 */
export function parseHeader(bytes: Uint8Array, fileLength: number, file: string): SafetensorsHeader {
  const json = parseHeaderJson(bytes, file);
  const dataStart = PREFIX_BYTES + bytes.length;
  const dataLength = fileLength - dataStart;
  const entries: TensorEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = parseMetadata(value, file);
    else entries.push(parseEntry(name, value, dataStart, dataLength, file));
  }
  entries.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = dataStart;
  for (const entry of entries) {
    if (entry.offset !== end) {
      const what = entry.offset < end ? 'overlaps the tensor before it' : `leaves a gap of ${entry.offset - end} bytes`;
      throw new CheckpointError(`${file}: tensor ${show(entry.name)} ${what}`, REMEDY);
    }
    end += entry.byteLength;
  }
  if (end !== fileLength) {
    throw new CheckpointError(`${file}: ${fileLength - end} bytes at the end belong to no tensor`, REMEDY);
  }
  return { tensors: new Map(entries.map((entry) => [entry.name, entry])), metadata };
}

/**
 * Parses a whole file that is in memory. Tensors are views on `bytes` where their alignment allows it, copies elsewhere.
 * @throws CheckpointError as {@link parseHeader}
 */
export function parseSafetensors(
  bytes: Uint8Array,
  file = 'safetensors',
): { tensors: Map<string, HostTensor>; metadata: Readonly<Record<string, string>> } {
  const headerLength = readHeaderLength(bytes, bytes.length, file);
  const start = PREFIX_BYTES;
  const header = parseHeader(bytes.subarray(start, start + headerLength), bytes.length, file);
  const tensors = new Map<string, HostTensor>();
  for (const entry of header.tensors.values()) {
    tensors.set(entry.name, toTensor(entry, bytes.subarray(entry.offset, entry.offset + entry.byteLength), file));
  }
  return { tensors, metadata: header.metadata };
}

/**
 * Makes a tensor of its bytes, with no copy where they are aligned.
 * @throws CheckpointError when a bool tensor holds anything but 0 and 1
 */
export function toTensor(entry: TensorEntry, bytes: Uint8Array, file: string): HostTensor {
  const aligned = bytes.byteOffset % byteSize(entry.dtype) === 0 ? bytes : bytes.slice();
  const data = viewArray(entry.dtype, aligned.buffer, aligned.byteOffset, elementCount(entry.shape));
  if (entry.dtype === 'bool' && bytes.some((value) => value > 1)) {
    throw new CheckpointError(`${file}: tensor ${show(entry.name)} is of bool but holds other values`, REMEDY);
  }
  return { dtype: entry.dtype, shape: entry.shape, data };
}

/** The bytes of a tensor's data, as a view. */
export function tensorBytes(tensor: HostTensor): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/**
 * Lays a file out: larger element types first, then by name, so that every tensor is aligned and equal contents give
 * equal files.
 * @returns the first bytes of the file (length and header), and the tensors in the order in which their data follows
 * @throws CheckpointError when a name is given twice or is reserved
 */
export function planSafetensors<T extends TensorDescription>(
  tensors: readonly T[],
  metadata: Readonly<Record<string, string>> = {},
): { head: Uint8Array; order: T[]; byteLength: number } {
  const order = [...tensors].sort(
    (a, b) => byteSize(b.dtype) - byteSize(a.dtype) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set('__metadata__', sortKeys(metadata));
  let end = 0;
  for (const { name, dtype, shape } of order) {
    if (name === '__metadata__' || header.has(name)) {
      throw new CheckpointError(`cannot write two tensors named ${show(name)}`, 'give every tensor a name of its own');
    }
    const begin = end;
    end += elementCount(shape) * byteSize(dtype);
    header.set(name, { dtype: CODE_OF_DTYPE[dtype], shape, data_offsets: [begin, end] });
  }
  // Object.fromEntries would move names that look like integers to the front; the text is put together by hand instead.
  const members = [...header].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(PREFIX_BYTES + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, PREFIX_BYTES);
  return { head, order, byteLength: head.length + end };
}

/** A whole file in memory, for small ones and for browsers. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const named = [...tensors].map(([name, tensor]) => ({ name, dtype: tensor.dtype, shape: tensor.shape, tensor }));
  const { head, order, byteLength } = planSafetensors(named, metadata);
  const bytes = new Uint8Array(byteLength);
  bytes.set(head);
  let offset = head.length;
  for (const { tensor } of order) {
    bytes.set(tensorBytes(tensor), offset);
    offset += tensor.data.byteLength;
  }
  return bytes;
}

function parseHeaderJson(bytes: Uint8Array, file: string): object {
  let json: unknown;
  let duplicateKey: string | undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const scan = scanJson(text, HEADER_DEPTH);
    duplicateKey = scan.duplicateKey;
    json = scan.depth > HEADER_DEPTH ? undefined : JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(`${file}: the header is not JSON (${shorten((error as Error).message)})`, REMEDY, {
      cause: error,
    });
  }
  // The format asks for a { at the beginning; other readers refuse spaces or a byte-order mark before it.
  if (!isObject(json) || bytes[0] !== 0x7b)
    throw new CheckpointError(`${file}: the header is not an object of tensors`, REMEDY);
  if (duplicateKey !== undefined) {
    throw new CheckpointError(`${file}: the header names ${show(duplicateKey)} twice`, REMEDY);
  }
  return json;
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  if (isObject(value)) {
    const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    if (entries.length === Object.keys(value).length) return Object.fromEntries(entries);
  }
  throw new CheckpointError(`${file}: __metadata__ must map texts to texts`, REMEDY);
}

function parseEntry(name: string, value: unknown, dataStart: number, dataLength: number, file: string): TensorEntry {
  const fail = (what: string, hint = REMEDY): never => {
    throw new CheckpointError(`${file}: tensor ${show(name)}: ${what}`, hint);
  };
  if (!isObject(value)) return fail('its description is not an object');
  const { dtype: code, shape, data_offsets: offsets, ...rest } = value as Record<string, unknown>;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) fail(`unknown property ${show(unknown)}`);
  if (typeof code !== 'string') return fail('no dtype');
  const dtype = Object.hasOwn(DTYPE_OF_CODE, code) ? DTYPE_OF_CODE[code] : undefined;
  if (dtype === undefined) {
    return fail(`type ${show(code)} is not supported`, `convert it to one of ${Object.keys(DTYPE_OF_CODE).join(', ')}`);
  }
  if (!isCounts(shape) || shape.length > MAX_RANK) return fail(`shape ${show(shape)} is not a list of sizes`);
  if (!isCounts(offsets) || offsets.length !== 2) return fail(`data_offsets ${show(offsets)} are not two positions`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataLength) {
    return fail(`bytes ${begin} to ${end} do not lie in the ${dataLength} bytes of data`);
  }
  // Both factors are below 2⁵³, so a product that is not exact is far above every file's length and still refused.
  const needed = elementCount(shape) * byteSize(dtype);
  if (needed !== end - begin) {
    return fail(`shape [${shape.join(', ')}] of ${dtype} needs ${needed} bytes, the file has ${end - begin}`);
  }
  return { name, dtype, shape, offset: dataStart + begin, byteLength: end - begin };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function sortKeys(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A value of the file, quoted and shortened, so that no message grows with hostile contents. */
function show(value: unknown): string {
  return shorten(JSON.stringify(value) ?? 'undefined');
}

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

/** Reads its memory from one end to the other when told, in WebAssembly: JavaScript itself is too slow for that. */
import { parentPort, workerData } from 'node:worker_threads';

const { bytes } = workerData as { bytes: number };
const PAGE = 2 ** 16;
/** Places that are read from at once: one stream of reads does not use all of a memory's rate. */
const STREAMS = 8;
/** Bytes of each stream that are read in one turn of the loop. */
const STRIDE = 128;
const PART = bytes / STREAMS;

/** Numbers as the binary format writes them. Source: webassembly.github.io/spec, chapter 5. */
function leb(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...leb(value >>> 7)];
}

function section(id: number, content: number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

/** (memory (export "m")), (func (export "r") (param i32 end) (result i32)): the OR of all 16-byte vectors, a few of each stream a turn. */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const [i32, v128] = [0x7f, 0x7b];
  const [end, at, sum] = [0, 1, 2];
  const or = [0xfd, 0x50];
  const load = (offset: number): number[] => [0x20, at, 0xfd, 0x00, 4, ...leb(offset)];
  const offsets = Array.from({ length: STREAMS }, (_, stream) =>
    Array.from({ length: STRIDE / 16 }, (_, i) => stream * PART + 16 * i),
  ).flat();
  const turn = offsets.flatMap((offset, i) => [...load(offset), ...(i === 0 ? [] : or)]);
  const code = [
    // One i32 and one v128 beside the argument.
    [2, 1, i32, 1, v128],
    [0x03, 0x40],
    turn,
    [0x20, sum, ...or, 0x21, sum],
    // at += STRIDE, and again while at < end
    [0x20, at, 0x41, ...leb(STRIDE), 0x6a, 0x22, at, 0x20, end, 0x49, 0x0d, 0x00, 0x0b],
    [0x20, sum, 0xfd, 0x1b, 0x00, 0x0b],
  ].flat();
  const parts = [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(1, [1, 0x60, 1, i32, 1, i32]),
    section(3, [1, 0]),
    section(5, [1, 0x00, ...leb(bytes / PAGE)]),
    section(7, [2, 1, 0x6d, 0x02, 0, 1, 0x72, 0x00, 0]),
    section(10, [1, ...leb(code.length), ...code]),
  ];
  return Uint8Array.from(parts.flat());
}

const { instance } = await WebAssembly.instantiate(moduleBytes());
const { m: memory, r: read } = instance.exports as { m: WebAssembly.Memory; r: (end: number) => number };
// Pages that were never written are all one page of zeros.
new Uint32Array(memory.buffer).fill(0x55);
read(PART);
parentPort!.on('message', () => {
  read(PART);
  parentPort!.postMessage('done');
});
parentPort!.postMessage('ready');

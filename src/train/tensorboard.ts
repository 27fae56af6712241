/**
 * Records of metrics as TensorBoard's events: messages of protocol buffers (TensorFlow's event.proto, summary.proto and
 * tensor.proto, of which only the fields below are needed), each framed as a TFRecord.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { MetricsRecord, WrittenSample } from './metrics.ts';

/** Numbers of fields. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, tensor: 8, metadata: 9 } as const;
const METADATA = { pluginData: 1, pluginName: 1 } as const;
const TENSOR = { dtype: 1, shape: 2, strings: 8, dim: 2, dimSize: 1 } as const;
/** DataType of strings. */
const DT_STRING = 7;

/** The record that an event file begins with. @param wallTime seconds since 1970 */
export function versionEvent(wallTime: number): Uint8Array {
  return framed(
    new BinaryWriter()
      .tag(EVENT.wallTime, 1)
      .double(wallTime)
      .tag(EVENT.fileVersion, 2)
      .string('brain.Event:2')
      .finish(),
  );
}

/** A record as one event: scalars under `train/` and `validation/`, samples as text. @param wallTime seconds since 1970 */
export function metricsEvent(record: MetricsRecord, wallTime: number): Uint8Array {
  const summary = new BinaryWriter();
  for (const value of valuesOf(record)) summary.tag(SUMMARY.value, 2).bytes(value);
  return framed(
    new BinaryWriter()
      .tag(EVENT.wallTime, 1)
      .double(wallTime)
      .tag(EVENT.step, 0)
      .int64(record.step)
      .tag(EVENT.summary, 2)
      .bytes(summary.finish())
      .finish(),
  );
}

function valuesOf(record: MetricsRecord): Uint8Array[] {
  switch (record.kind) {
    case 'train': {
      const { loss, parts, learningRate, gradientNorm, samplesPerSecond } = record;
      const single = {
        loss,
        learning_rate: learningRate,
        gradient_norm: gradientNorm,
        samples_per_second: samplesPerSecond,
      };
      return [
        ...Object.entries(single).map(([name, value]) => scalar(`train/${name}`, value)),
        ...Object.entries(parts).map(([name, value]) => scalar(`train/parts/${name}`, value)),
      ];
    }
    case 'validation':
      return Object.entries(record.values).map(([name, value]) => scalar(`validation/${name}`, value));
    case 'samples':
      return record.samples.length === 0 ? [] : [text('samples', asMarkdown(record.samples))];
  }
}

function scalar(tag: string, value: number): Uint8Array {
  return new BinaryWriter().tag(VALUE.tag, 2).string(tag).tag(VALUE.simpleValue, 5).float(Math.fround(value)).finish();
}

/** A string tensor of one element, which the text plugin shows as Markdown. */
function text(tag: string, content: string): Uint8Array {
  const plugin = new BinaryWriter().tag(METADATA.pluginName, 2).string('text').finish();
  const dim = new BinaryWriter().tag(TENSOR.dimSize, 0).int64(1).finish();
  const tensor = new BinaryWriter()
    .tag(TENSOR.dtype, 0)
    .int32(DT_STRING)
    .tag(TENSOR.shape, 2)
    .bytes(new BinaryWriter().tag(TENSOR.dim, 2).bytes(dim).finish())
    .tag(TENSOR.strings, 2)
    .bytes(new TextEncoder().encode(content))
    .finish();
  return new BinaryWriter()
    .tag(VALUE.tag, 2)
    .string(tag)
    .tag(VALUE.tensor, 2)
    .bytes(tensor)
    .tag(VALUE.metadata, 2)
    .bytes(new BinaryWriter().tag(METADATA.pluginData, 2).bytes(plugin).finish())
    .finish();
}

function asMarkdown(samples: readonly WrittenSample[]): string {
  // TensorBoard shows Markdown with HTML taken out; what would be marks of a table or of emphasis is escaped.
  const plain = (cell: string): string => cell.replace(/[\\`*_{}[\]<>()#+\-.!|&]/g, '\\$&').replace(/\s+/g, ' ');
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(['question', 'expected', 'generated']),
    row(['---', '---', '---']),
    ...samples.map(({ question, expected = '', generated }) => row([question, expected, generated].map(plain))),
  ].join('\n');
}

/** A TFRecord: length (uint64), checksum of the length, the data, checksum of the data, all little-endian. */
function framed(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedChecksum(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedChecksum(data), true);
  return record;
}

/** CRC-32C turned by 15 bits and moved, so that the checksum of data that hold checksums is no trivial one. */
export function maskedChecksum(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Castagnoli's polynomial, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** CRC-32C (RFC 3720, appendix B.4). */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

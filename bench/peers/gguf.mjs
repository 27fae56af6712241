// Writes the language model of a checkpoint as a GGUF file for llama.cpp, products and embeddings quantized to Q4_0.
// Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const TYPES = { u32: 4, f32: 6, text: 8 };
const F32 = 0;
const Q4_0 = 2;
const ALIGNMENT = 32;
/** Weights of a block, which share one scale. */
const BLOCK = 32;

/** Numbers of GGUF's header, one after another. */
class Bytes {
  #parts = [];

  u32(value) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.#parts.push(bytes);
  }

  u64(value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.#parts.push(bytes);
  }

  text(value) {
    const bytes = Buffer.from(value);
    this.u64(bytes.length);
    this.#parts.push(bytes);
  }

  entry(key, type, value) {
    this.text(key);
    this.u32(TYPES[type]);
    if (type === 'text') return this.text(value);
    const bytes = Buffer.alloc(4);
    if (type === 'f32') bytes.writeFloatLE(value);
    else bytes.writeUInt32LE(value);
    this.#parts.push(bytes);
  }

  finish() {
    return Buffer.concat(this.#parts);
  }
}

/** The nearest half-precision number of a normal size. */
function half(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  if (exponent <= 0) return sign;
  const rest = bits & 0x7fffff;
  const rounded = (exponent << 10) + (rest >>> 13) + Number((rest & 0x1fff) + ((rest >>> 13) & 1) > 0x1000);
  return sign | Math.min(rounded, 0x7bff);
}

/** Blocks of a scale and 32 numbers of four bits: the value furthest from zero becomes −8 times the scale. */
export function quantize(data) {
  const blocks = data.length / BLOCK;
  const bytes = Buffer.alloc(blocks * (2 + BLOCK / 2));
  for (let block = 0; block < blocks; block++) {
    const from = block * BLOCK;
    let furthest = 0;
    for (let i = from; i < from + BLOCK; i++) if (Math.abs(data[i]) > Math.abs(furthest)) furthest = data[i];
    const scale = furthest / -8;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const level = (i) => Math.min(15, Math.trunc(data[i] * inverse + 8.5));
    const to = block * (2 + BLOCK / 2);
    bytes.writeUInt16LE(half(scale), to);
    for (let i = 0; i < BLOCK / 2; i++) bytes[to + 2 + i] = level(from + i) | (level(from + BLOCK / 2 + i) << 4);
  }
  return bytes;
}

/** llama.cpp turns neighbouring numbers of a head by one angle, checkpoints a number of either half. */
function interleave(data, [rows, columns], heads) {
  const turned = new Float32Array(data.length);
  const width = rows / heads;
  for (let row = 0; row < rows; row++) {
    const [head, place] = [Math.floor(row / width), row % width];
    const to = head * width + (place < width / 2 ? 2 * place : 2 * (place - width / 2) + 1);
    turned.set(data.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return turned;
}

/** A checkpoint's key as GGUF names it; undefined for what is not of the language model. */
function ggufName(key) {
  const match = /^model\.(?:text_model\.)?(embed_tokens|norm|layers\.(\d+)\.(.*))\.weight$/.exec(key);
  if (match === null) return undefined;
  if (match[1] === 'embed_tokens') return 'token_embd.weight';
  if (match[1] === 'norm') return 'output_norm.weight';
  const parts = {
    'self_attn.q_proj': 'attn_q',
    'self_attn.k_proj': 'attn_k',
    'self_attn.v_proj': 'attn_v',
    'self_attn.o_proj': 'attn_output',
    'mlp.gate_proj': 'ffn_gate',
    'mlp.up_proj': 'ffn_up',
    'mlp.down_proj': 'ffn_down',
    input_layernorm: 'attn_norm',
    post_attention_layernorm: 'ffn_norm',
  };
  return `blk.${match[2]}.${parts[match[3]]}.weight`;
}

/** @param folder a checkpoint of SmolVLM in float32  @param path the file to be written */
export function writeGguf(folder, path) {
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).text_config;
  const source = openSync(join(folder, 'model.safetensors'), 'r');
  const prefix = Buffer.alloc(8);
  readSync(source, prefix, 0, 8, 0);
  const headerLength = Number(prefix.readBigUInt64LE());
  const header = Buffer.alloc(headerLength);
  readSync(source, header, 0, headerLength, 8);
  const tensors = [];
  for (const [key, { shape, data_offsets: offsets }] of Object.entries(JSON.parse(header))) {
    const name = ggufName(key);
    if (name === undefined) continue;
    const count = shape.reduce((a, b) => a * b, 1);
    const type = shape.length > 1 ? Q4_0 : F32;
    const bytes = type === F32 ? 4 * count : (count / BLOCK) * (2 + BLOCK / 2);
    tensors.push({ name, shape, type, bytes, start: 8 + headerLength + offsets[0], length: 4 * count });
  }

  const head = new Bytes();
  const entries = [
    ['general.architecture', 'text', 'llama'],
    ['llama.vocab_size', 'u32', config.vocab_size],
    ['llama.context_length', 'u32', config.max_position_embeddings],
    ['llama.embedding_length', 'u32', config.hidden_size],
    ['llama.block_count', 'u32', config.num_hidden_layers],
    ['llama.feed_forward_length', 'u32', config.intermediate_size],
    ['llama.attention.head_count', 'u32', config.num_attention_heads],
    ['llama.attention.head_count_kv', 'u32', config.num_key_value_heads],
    ['llama.attention.key_length', 'u32', config.head_dim],
    ['llama.attention.value_length', 'u32', config.head_dim],
    ['llama.attention.layer_norm_rms_epsilon', 'f32', config.rms_norm_eps],
    ['llama.rope.dimension_count', 'u32', config.head_dim],
    ['llama.rope.freq_base', 'f32', config.rope_theta],
    ['general.file_type', 'u32', 2],
    ['tokenizer.ggml.model', 'text', 'none'],
  ];
  head.u32(0x46554747);
  head.u32(3);
  head.u64(tensors.length);
  head.u64(entries.length);
  for (const [key, type, value] of entries) head.entry(key, type, value);
  let end = 0;
  for (const { name, shape, type, bytes } of tensors) {
    head.text(name);
    head.u32(shape.length);
    for (const size of shape.toReversed()) head.u64(size);
    head.u32(type);
    head.u64(end);
    end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  }
  const first = head.finish();
  const target = openSync(path, 'w');
  const padding = (length) => Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
  writeSync(target, Buffer.concat([first, padding(first.length)]));
  for (const { name, shape, type, start, length } of tensors) {
    const bytes = Buffer.alloc(length);
    readSync(source, bytes, 0, length, start);
    let data = new Float32Array(bytes.buffer, bytes.byteOffset, length / 4);
    if (name.includes('attn_q')) data = interleave(data, shape, config.num_attention_heads);
    if (name.includes('attn_k')) data = interleave(data, shape, config.num_key_value_heads);
    const written = type === F32 ? Buffer.from(data.buffer, data.byteOffset, length) : quantize(data);
    writeSync(target, Buffer.concat([written, padding(written.length)]));
  }
  const { size } = fstatSync(target);
  closeSync(source);
  closeSync(target);
  return size;
}

import { CausalLM } from '../common/decoder.ts';

/** Qwen3 (Yang et al. 2025, arXiv 2505.09388): Llama with normalised heads of queries and keys. */
export class Qwen3 extends CausalLM {}

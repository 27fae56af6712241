import { CausalLM } from '../common/decoder.ts';

/** Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv 2407.10671): Llama with biases on queries, keys and values. */
export class Qwen2 extends CausalLM {}

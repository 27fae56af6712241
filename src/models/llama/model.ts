import { CausalLM } from '../common/decoder.ts';

/** Llama (Touvron et al. 2023, arXiv 2302.13971; Grattafiori et al. 2024, arXiv 2407.21783). */
export class Llama extends CausalLM {}

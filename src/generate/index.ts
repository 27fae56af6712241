export * from './decoding.ts';
export { DecodingState } from './decoding-state.ts';
export * from './generate.ts';
export * from './picture-encoder.ts';
export * from './prompt.ts';
export * from './prompt-cache.ts';
export { checkSampling, likeliest, Sampler, type SamplingOptions, type ScoredToken } from './sampling.ts';

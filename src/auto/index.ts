export { changesOf, type LoadedAdapter, type WeightedAdapter } from './adapters.ts';
export * from './architectures.ts';
export * from './blip-model.ts';
export * from './encoders.ts';
export * from './language-model.ts';
export type * from './loaded.ts';
export * from './pair-model.ts';
export * from './processors.ts';
export * from './vector-space.ts';

export { loadAdapter } from './adapters.ts';
export * from './load.ts';
export * from './merge-adapters.ts';
export * from './open-model.ts';
export * from './resolve.ts';
export * from './simple-multimodal.ts';

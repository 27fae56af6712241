export { readJsonObject, readTextFile } from './json-file.ts';
export * from './locate.ts';
export * from './model-folder.ts';
export * from './run-folder.ts';
export type * from './run-state.ts';
export * from './safetensors-file.ts';
export * from './weights.ts';

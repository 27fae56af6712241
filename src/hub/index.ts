export * from './account.ts';
export * from './adapter.ts';
export * from './generation-config.ts';
export * from './parse.ts';
export * from './quantize/index.ts';
export * from './safetensors.ts';
export * from './sharded-index.ts';

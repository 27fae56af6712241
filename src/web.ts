/**
 * The package in a browser: build, differentiate and train models on WebAssembly or WebGPU. Nothing here needs Node.
 * Operators are under `graph`, layers under `nn`.
 */
export * from './autodiff/index.ts';
export * from './core/index.ts';
export * from './data/index.ts';
export * from './eval/index.ts';
export * from './explain/index.ts';
export * as graph from './graph/index.ts';
export type { Shape, Tensor, Traced } from './graph/index.ts';
export type { SafetensorsHeader, TensorEntry } from './hub/index.ts';
export * from './models/index.ts';
export * as nn from './nn/index.ts';
export { Module, Parameter } from './nn/index.ts';
export * from './onnx/index.ts';
export type * from './runtime/index.ts';
export * from './runtime/web/index.ts';
export * from './tasks/index.ts';
export * from './train/index.ts';

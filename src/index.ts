/**
 * The package in Node: build, train, save, open and ask multimodal models. Operators are under `graph`, layers under `nn`.
 */
export * as applications from './applications/index.ts';
export * from './auto/index.ts';
export * from './auto/node/index.ts';
export * from './autodiff/index.ts';
export * from './core/index.ts';
export * from './core/node/index.ts';
export * from './data/index.ts';
export * from './data/node/index.ts';
export * from './eval/index.ts';
export * from './eval/node/index.ts';
export * from './eval/report/index.ts';
export * from './explain/index.ts';
export * from './explain/node/index.ts';
export * from './generate/index.ts';
export * as graph from './graph/index.ts';
export type { Shape, Tensor, Traced } from './graph/index.ts';
export type { SafetensorsHeader, TensorEntry } from './hub/index.ts';
export * from './hub/node/index.ts';
export * from './models/index.ts';
export * from './models/fusion/node/save.ts';
export * as nn from './nn/index.ts';
export { Module, Parameter } from './nn/index.ts';
export * from './onnx/index.ts';
export * from './recipe/index.ts';
export * from './recipe/node/index.ts';
export type * from './runtime/index.ts';
export * from './runtime/node/index.ts';
export * from './tasks/index.ts';
export * from './tasks/node/index.ts';
export * from './train/index.ts';
export * from './train/node/index.ts';

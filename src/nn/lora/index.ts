export { ADAPTER_PREFIX, AdaptedModel, attachLora, type LoraAdapter, type LoraConfig } from './adapter.ts';
export type { LoraLayer } from './layer.ts';
export type { LayerPattern } from './targets.ts';

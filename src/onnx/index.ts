export type { ExternalData } from './builder.ts';
export { lower, type LoweredGraph, type LoweringDevice, type LowerOptions, type Signature } from './lower.ts';

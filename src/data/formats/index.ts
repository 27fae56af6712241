export type { BlockedSource } from './blocks.ts';
export type { SourceDescription } from './description.ts';
export type { SkippingSource } from './skip-bad.ts';
export { WRITTEN_FORMATS, type WrittenFormat } from './write-row.ts';

export * from './doctor/index.ts';
export * from './parse.ts';
export * from './schema.ts';
export * from './types.ts';
export * from './tuning/schema.ts';
export * from './tuning/types.ts';
export { inspectionPage, type InspectionHeading } from './inspection/page.ts';
export { sampleText } from './inspection/text.ts';
export type * from './inspection/view.ts';

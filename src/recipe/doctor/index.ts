export * from './finding.ts';
export * from './loss-text.ts';

export * from './classification.ts';
export * from './emoji-statements.ts';
export * from './fusion-scorer.ts';
export * from './metrics.ts';
export * from './suites/index.ts';
export * from './sort-of-clevr.ts';

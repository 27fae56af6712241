export * from './event-file.ts';
export * from './adapters.ts';
export * from './interrupt.ts';
export * from './metrics-file.ts';
export * from './run-checkpoints.ts';
export * from './training-bar.ts';

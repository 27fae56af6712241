export * from './dtype.ts';
export * from './errors.ts';
export * from './group-by.ts';
export * from './half.ts';
export * from './host.ts';
export * from './json.ts';
export * from './random.ts';
export * from './recent.ts';

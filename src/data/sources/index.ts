export * from './length-buckets.ts';
export * from './mixed.ts';
export * from './order.ts';
export * from './parts.ts';

export * from './vqa-jsonl.ts';

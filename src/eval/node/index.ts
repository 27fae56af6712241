export * from './emoji-scenes.ts';
export * from './vqa-jsonl.ts';

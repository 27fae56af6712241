export { create as createScenes, prepare as prepareScenes } from './source.ts';
export { writeScenes, type WriteOptions, type WrittenScenes } from './write.ts';

export { create as createScenes, prepare as prepareScenes } from './source.ts';
export { writeScenes, type WrittenScenes } from './write.ts';

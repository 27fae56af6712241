export { openSampleSource } from './open-source.ts';
export { writeSamples, type WrittenSamples, type WriteSamplesOptions } from './write-samples.ts';
export { cachedPictures, type PictureCacheOptions } from './picture-cache.ts';

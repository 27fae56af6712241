export { openSampleSource } from './open-source.ts';
export { writeSamples, type WrittenSamples, type WriteSamplesOptions } from './write-samples.ts';

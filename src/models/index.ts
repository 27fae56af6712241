export * from './common/text.ts';
export * from './common/transformer.ts';
export * from './common/vision.ts';
export * from './fusion/config.ts';
export * from './fusion/model.ts';
export * from './fusion/processor.ts';

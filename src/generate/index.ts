export * from './compile.ts';
export { answer, type AnswerPiece, AnswerText, type TextDecoding, type TextOptions, withText } from './answer.ts';
export * from './batching/index.ts';
export * from './beam-answer.ts';
export * from './beam-search.ts';
export {
  choicesConstraint,
  type Constraint,
  type ConstraintFactory,
  jsonSchemaConstraint,
  regexConstraint,
  wholeJson,
} from './constraint/index.ts';
export * from './decoding.ts';
export { DecodingState } from './decoding-state.ts';
export * from './generate.ts';
export { AdaptableProgram, type ProgramLease } from './adaptable-program.ts';
export { type LayerChange, type LayerChanges, sumOfChanges } from './layer-changes.ts';
export * from './picture-encoder.ts';
export * from './prompt.ts';
export * from './prompt-cache.ts';
export * from './probability.ts';
export { checkSampling, type LogitsMask, Sampler, type SamplingOptions } from './sampling.ts';

export * from './all.ts';
export * from './application.ts';
export * from './apply.ts';
export * from './description.ts';
export { type ApplicationAnswer, readAnswer, schemaOf } from './form.ts';
export * from './readable.ts';

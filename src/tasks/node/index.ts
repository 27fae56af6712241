export * from './boxes.ts';
export * from './fusion-predictor.ts';

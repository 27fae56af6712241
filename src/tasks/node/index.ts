export * from './fusion-predictor.ts';

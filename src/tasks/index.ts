export * from './fusion-prediction.ts';

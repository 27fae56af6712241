export { gradients } from './gradients.ts';
export { rematerialise } from './rematerialise.ts';

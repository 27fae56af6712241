export { parseLlamaConfig } from '../common/language-config.ts';

export { parseQwen3Config } from '../common/language-config.ts';

export { parseQwen2Config } from '../common/language-config.ts';

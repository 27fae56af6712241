/** The small valid models that mutations start from. A new architecture needs a line here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trainTokenizer } from '../../src/data/tokenizer-trainer.ts';
import type { Files } from './mutation.ts';

/** Folders below `test/parity/fixtures`, by architecture. */
export const ARCHITECTURES: Readonly<Record<string, string>> = {
  llama: 'decoders/llama',
  qwen2: 'decoders/qwen2',
  qwen3: 'decoders/qwen3',
};

const TEMPLATE =
  "{% for message in messages %}{{ bos_token }}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}" +
  '{% if add_generation_prompt %}assistant: {% endif %}';
const WORDS = 'what is this a red apple green pear yellow banana cat dog house user assistant system one two three';

/** The files of a model that can be talked with. @param fixtures the folder `test/parity/fixtures` */
export function originalOf(architecture: string, fixtures: string): Files {
  const folder = join(fixtures, ARCHITECTURES[architecture]!);
  return {
    'config.json': readFileSync(join(folder, 'config.json')),
    'model.safetensors': new Uint8Array(readFileSync(join(folder, 'model.safetensors'))),
    'tokenizer.json': trainTokenizer(Array(4).fill(WORDS), { vocabSize: 97 }).serialize(),
    'tokenizer_config.json': JSON.stringify({
      bos_token: { content: '<s>' },
      eos_token: '[PAD]',
      chat_template: TEMPLATE,
    }),
    'generation_config.json': JSON.stringify({ eos_token_id: 3 }),
    'preprocessor_config.json': JSON.stringify({ size: { height: 8, width: 8 } }),
  };
}

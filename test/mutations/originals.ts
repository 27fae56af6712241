/** The small valid models that mutations start from. A new architecture needs a line here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trainTokenizer } from '../../src/data/tokenizer-trainer.ts';
import type { Files } from './mutation.ts';

/** An architecture's twin: its folder below `test/parity/fixtures`, and how many tokens its tokenizer may have. */
export interface Twin {
  readonly folder: string;
  readonly vocabulary: number;
}

/** The first one is gone over thoroughly, the others in what their config.json and weights differ. */
export const ARCHITECTURES: Readonly<Record<string, Twin>> = {
  llama: { folder: 'decoders/llama', vocabulary: 97 },
  qwen2: { folder: 'decoders/qwen2', vocabulary: 97 },
  qwen3: { folder: 'decoders/qwen3', vocabulary: 97 },
  clip: { folder: 'encoders/clip', vocabulary: 61 },
  siglip: { folder: 'encoders/siglip', vocabulary: 61 },
  smolvlm: { folder: 'multimodal/smolvlm', vocabulary: 97 },
  llava: { folder: 'multimodal/llava', vocabulary: 97 },
  llava_onevision: { folder: 'multimodal/llava_onevision', vocabulary: 97 },
  qwen2_5_vl: { folder: 'qwen25vl', vocabulary: 99 },
};

const TEMPLATE =
  "{% for message in messages %}{{ bos_token }}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}" +
  '{% if add_generation_prompt %}assistant: {% endif %}';
const WORDS = 'what is this a red apple green pear yellow banana cat dog house user assistant system one two three';

/** The files of a model that can be talked with. @param fixtures the folder `test/parity/fixtures` */
export function originalOf(architecture: string, fixtures: string): Files {
  const { folder, vocabulary } = ARCHITECTURES[architecture]!;
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(fixtures, folder, name)));
  return {
    'config.json': read('config.json'),
    'model.safetensors': read('model.safetensors'),
    'tokenizer.json': trainTokenizer(Array<string>(4).fill(WORDS), { vocabSize: vocabulary }).serialize(),
    'tokenizer_config.json': JSON.stringify({
      bos_token: { content: '<s>' },
      eos_token: '[PAD]',
      chat_template: TEMPLATE,
    }),
    'generation_config.json': JSON.stringify({ eos_token_id: 3 }),
    'preprocessor_config.json': JSON.stringify({ size: { height: 8, width: 8 } }),
  };
}

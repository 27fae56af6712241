import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trainTokenizer } from '../src/data/tokenizer-trainer.ts';

const TWIN = fileURLToPath(new URL('parity/fixtures/decoders/llama', import.meta.url));
const TEMPLATE =
  "{% for message in messages %}{{ bos_token }}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}" +
  '{% if add_generation_prompt %}assistant: {% endif %}';

const WORDS = 'what is this a red apple green pear yellow banana cat dog house user assistant system one two three';

/** A tokenizer of nearly as many tokens as the tiny Llama has, 97, as tokenizer.json. */
export const CHAT_TOKENIZER: string = trainTokenizer(
  Array.from({ length: 4 }, () => WORDS),
  { vocabSize: 97 },
).serialize();

/**
 * Makes a folder of the tiny random Llama that can be talked with.
 * @param change files with other contents, or without any where they are to be absent
 */
export async function writeChatFolder(folder: string, change: Readonly<Record<string, unknown>> = {}): Promise<string> {
  await cp(TWIN, folder, { recursive: true });
  const files: Record<string, unknown> = {
    'tokenizer.json': CHAT_TOKENIZER,
    'tokenizer_config.json': { bos_token: { content: '<s>' }, eos_token: '[PAD]', chat_template: TEMPLATE },
    'generation_config.json': { eos_token_id: 3 },
    ...change,
  };
  for (const [name, contents] of Object.entries(files)) {
    if (contents === undefined) await rm(join(folder, name), { force: true });
    else await writeFile(join(folder, name), typeof contents === 'string' ? contents : JSON.stringify(contents));
  }
  return folder;
}

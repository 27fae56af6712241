import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TWIN = fileURLToPath(new URL('parity/fixtures/multimodal/idefics3', import.meta.url));
// Like SmolVLM's own: contents are lists of parts. The twin's vocabulary is w0, w1, …
const TEMPLATE =
  "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>" +
  "{% else %}w5 {{ part['text'] }}{% endif %} {% endfor %}w7 {% endfor %}{% if add_generation_prompt %}w9{% endif %}";

/** Makes a folder of the tiny random SmolVLM-like model that can be talked with about pictures. */
export async function writePictureFolder(folder: string): Promise<string> {
  await cp(TWIN, folder, { recursive: true });
  await writeFile(join(folder, 'chat_template.jinja'), TEMPLATE);
  return folder;
}

import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { writeChatFolder } from '../chat-folder.ts';
import { ensureBuilt, temporaryFolder } from './cli.ts';

/** A tiny model that can be chatted with, in a temporary folder of the test file; the command line is built for it. */
export function chatModel(): { readonly scratch: string; readonly model: string } {
  const folder = temporaryFolder();
  const model = join(folder.path, 'model');
  beforeAll(async () => {
    ensureBuilt();
    await writeChatFolder(model);
  }, 300_000);
  afterAll(folder.remove);
  return { scratch: folder.path, model };
}

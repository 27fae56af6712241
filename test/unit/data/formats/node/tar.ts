import { pack } from 'tar-stream';

/** A tar archive of files in memory. */
export async function tarOf(
  files: readonly (readonly [name: string, contents: string | Uint8Array])[],
): Promise<Buffer> {
  const archive = pack();
  for (const [name, contents] of files) archive.entry({ name }, Buffer.from(contents));
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

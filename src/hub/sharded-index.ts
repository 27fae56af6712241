/** `model.safetensors.index.json`: which shard holds which tensor, as transformers writes it for large models. */
import { CheckpointError } from '../core/index.ts';

const REMEDY = 'the index is damaged or was tampered with; fetch the checkpoint again';

/**
 * Checks an index.
 * @param json the parsed file
 * @param file its name, for messages
 * @returns tensor name → file name in the same folder
 * @throws CheckpointError when it is no index, or when a shard's name would lead out of the folder
 */
export function parseShardedIndex(json: unknown, file: string): Map<string, string> {
  const weightMap = isRecord(json) ? json['weight_map'] : undefined;
  if (!isRecord(weightMap)) throw new CheckpointError(`${file}: no weight_map`, REMEDY);
  const shards = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || !isPlainFileName(shard)) {
      const shown = JSON.stringify(shard).slice(0, 100);
      throw new CheckpointError(`${file}: tensor ${name.slice(0, 100)}: ${shown} is not the name of a shard`, REMEDY);
    }
    shards.set(name, shard);
  }
  if (shards.size === 0) throw new CheckpointError(`${file}: the weight_map is empty`, REMEDY);
  return shards;
}

/** A file name without any way out of its folder, on every operating system. */
function isPlainFileName(name: string): boolean {
  return /^[\w][\w.+=@ -]*\.safetensors$/.test(name) && name.length <= 255;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

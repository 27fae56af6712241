/** Every mutation there is, in groups, and how each is tried. */
import { Random } from '../../src/core/index.ts';
import { configMutations, leafMutations, smallFileMutations } from './json-files.ts';
import { judgeFolder, judgePicture } from './judge.ts';
import type { Expectation, FolderMutation, PictureMutation, Verdict } from './mutation.ts';
import { ARCHITECTURES, originalOf } from './originals.ts';
import { pictureMutations } from './pictures.ts';
import { randomMutations, safetensorsMutations } from './safetensors.ts';
import { shardMutations } from './shards.ts';
import { templateMutations } from './templates.ts';
import { tokenizerMutations } from './tokenizers.ts';

const SEED = 20_26;

export interface Trial {
  readonly group: string;
  readonly name: string;
  readonly expect: Expectation;
  readonly run: () => Promise<Verdict>;
}

/** @param set `folders` or `pictures`  @param scratch a folder for what is written */
export function trialsOf(set: string, scratch: string, fixtures: string): Trial[] {
  return set === 'pictures' ? pictureTrials() : folderTrials(scratch, fixtures);
}

function folderTrials(scratch: string, fixtures: string): Trial[] {
  const trials: Trial[] = [];
  const names = Object.keys(ARCHITECTURES);
  for (const architecture of names) {
    const files = originalOf(architecture, fixtures);
    // What does not depend on the architecture is tried with the first.
    const first = architecture === names[0];
    const groups: Record<string, FolderMutation[]> = {
      original: [{ name: 'as it is', expect: 'harmless', change: () => ({}) }],
      ...(first
        ? {
            safetensors: safetensorsMutations(10),
            config: [...configMutations(10), ...leafMutations(20)],
            shards: shardMutations(6),
            'small files': smallFileMutations(4),
            tokenizer: tokenizerMutations(8),
            templates: templateMutations(),
          }
        : { config: leafMutations(16), safetensors: randomMutations(1) }),
    };
    for (const [kind, mutations] of Object.entries(groups))
      for (const { name, expect, change } of mutations) {
        const group = `${architecture}: ${kind}`;
        const random = new Random(SEED).fork(`${group}/${name}`);
        trials.push({ group, name, expect, run: () => judgeFolder(scratch, files, change(files, random)) });
      }
  }
  return trials;
}

function pictureTrials(): Trial[] {
  return pictureMutations(5).map(({ name, expect, make }: PictureMutation): Trial => {
    const random = new Random(SEED).fork(name);
    return { group: 'pictures', name, expect, run: async () => judgePicture(await make(random)) };
  });
}

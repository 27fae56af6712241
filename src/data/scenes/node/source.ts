import type { ReportProgress } from '../../dataset.ts';
import type { EmojiMaterial } from '../../emoji/dataset.ts';
import { loadConcepts } from '../../emoji/node/packages.ts';
import { renderSet } from '../../emoji/node/render.ts';
import { buildSprites } from '../../emoji/sprites.ts';
import { fullSceneOptions, type SceneOptions } from '../options.ts';
import { SceneSource, type SceneSourceOptions } from '../source.ts';

/** URL for {@link SourceDescription.module}. */
export const SCENES_MODULE: string = import.meta.url;

/**
 * Renders the drawings, or reads them from the cache, into memory that workers share. @throws DataError
 * @public
 */
export async function prepare(options: SceneOptions, report?: ReportProgress): Promise<EmojiMaterial> {
  const { sets, renderSize: size, cacheFolder } = fullSceneOptions(options);
  const concepts = await loadConcepts();
  const sprites = [];
  for (const set of sets) {
    const pixels = await renderSet({
      set,
      concepts,
      size,
      ...(cacheFolder === undefined ? {} : { cacheFolder }),
      ...(report === undefined ? {} : { report }),
    });
    sprites.push(buildSprites(set, size, concepts.length, pixels));
  }
  return { concepts, sprites };
}

/**
 * Called in each worker.
 * @public
 */
export function create(options: SceneSourceOptions, material: EmojiMaterial): SceneSource {
  return new SceneSource(options, material);
}

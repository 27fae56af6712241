import type { ReportProgress } from '../../dataset.ts';
import type { EmojiMaterial } from '../../emoji/dataset.ts';
import { prepare as prepareDrawings } from '../../emoji/node/dataset.ts';
import { fullSceneOptions, type SceneOptions } from '../options.ts';
import { SceneSource, type SceneSourceOptions } from '../source.ts';

/**
 * Renders the drawings that scenes are made of, or reads them from the cache, into memory that workers share. Takes ten seconds
 * for five sets when nothing is cached.
 * @throws DataError
 */
export async function prepare(options: SceneOptions, report?: ReportProgress): Promise<EmojiMaterial> {
  const { sets, renderSize, cacheFolder } = fullSceneOptions(options);
  return prepareDrawings({ sets, renderSize, ...(cacheFolder === undefined ? {} : { cacheFolder }) }, report);
}

/** The source over drawings that were prepared, in any thread. @throws DataError for options that make no sense */
export function create(options: SceneSourceOptions, material: EmojiMaterial): SceneSource {
  return new SceneSource(options, material);
}

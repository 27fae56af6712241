/** Which part of a model a weight belongs to, and how it is trained. */
import type { WeightGroups } from '../../train/index.ts';
import type { PartsSection } from './types.ts';

/** What stands before the paths of a model's weights within its objective. */
export const NETWORK = 'network.';

type Part = Exclude<keyof PartsSection, 'layers'>;

/** Names of the parts in the architectures that can be taught, the more special ones first. */
const PARTS: readonly (readonly [RegExp, Part])[] = [
  [/(^|\.)(connector|multi_modal_projector|merger|image_newline)(\.|$)/, 'connector'],
  [/(^|\.)(vision_model|vision_tower|visual|vision_projection)(\.|$)/, 'vision'],
];

/** Layers of a language model, beside its embeddings and its last norm. */
const LAYERS = /(^|\.)layers\.\d+\./;

/** @param path of a weight in the model */
export function partOf(path: string): Part {
  return PARTS.find(([pattern]) => pattern.test(path))?.[1] ?? 'language';
}

/**
 * @param prefix before the paths of the model's weights; others, which only training knows, are always trained
 */
export function groupsOf(parts: PartsSection, prefix: string): WeightGroups {
  const rateOf = (path: string): number => {
    const part = partOf(path);
    return part === 'language' && LAYERS.test(path) ? (parts.layers ?? parts.language) : parts[part];
  };
  return (path) => {
    const rate = path.startsWith(prefix) ? rateOf(path.slice(prefix.length)) : 1;
    return rate === 0 ? { train: false, rate: 1 } : { train: true, rate };
  };
}

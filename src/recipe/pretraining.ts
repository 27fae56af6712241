import type { DataSection, EmojiDescriptionsSection, ShapesSection } from './types.ts';

/** Whether the data have no answers, so that a model is pretrained on them. */
export function isPretraining(data: DataSection): data is EmojiDescriptionsSection | ShapesSection {
  return data.kind === 'emoji-descriptions' || data.kind === 'shape-descriptions';
}

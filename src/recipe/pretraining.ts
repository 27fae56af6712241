import type { DataSection, EasyVqaQuestionsSection, EmojiDescriptionsSection } from './types.ts';

/** Whether the data have no answers, so that a model is pretrained on them. */
export function isPretraining(data: DataSection): data is EmojiDescriptionsSection | EasyVqaQuestionsSection {
  return data.kind === 'emoji-descriptions' || data.kind === 'easy-vqa-questions';
}

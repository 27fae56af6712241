/** All kinds of questions. */
import type { Asker, QuestionKind } from '../question.ts';
import { askCaption } from './caption.ts';
import { askExistence } from './existence.ts';
import { askBox } from './grounding.ts';
import { askName } from './naming.ts';
import { askRegion } from './region.ts';

export const ASKERS: Readonly<Record<QuestionKind, Asker>> = {
  existence: askExistence,
  kind: () => undefined,
  colour: () => undefined,
  count: () => undefined,
  comparison: () => undefined,
  position: () => undefined,
  reading: () => undefined,
  grounding: askBox,
  region: askRegion,
  naming: askName,
  caption: askCaption,
  steps: () => undefined,
  instruction: () => undefined,
};

/** All kinds of questions. */
import type { Asker, QuestionKind } from '../question.ts';
import { askCaption } from './caption.ts';
import { askExistence } from './existence.ts';
import { askBox } from './grounding.ts';
import { askName } from './naming.ts';
import { askKind } from './kind.ts';
import { askColour } from './colour.ts';
import { askCount } from './count.ts';
import { askComparison } from './comparison.ts';
import { askPosition } from './position.ts';
import { askReading } from './reading.ts';
import { askSteps } from './steps.ts';
import { askInstruction } from './instruction.ts';
import { askRegion } from './region.ts';

export const ASKERS: Readonly<Record<QuestionKind, Asker>> = {
  existence: askExistence,
  kind: askKind,
  colour: askColour,
  count: askCount,
  comparison: askComparison,
  position: askPosition,
  reading: askReading,
  grounding: askBox,
  region: askRegion,
  naming: askName,
  caption: askCaption,
  steps: askSteps,
  instruction: askInstruction,
};

import { attention, looking, rollout } from './attention.ts';
import { gradCam, inputGradient, integratedGradients } from './gradients.ts';
import { occlusion } from './occlusion.ts';
import { relevance } from './relevance.ts';
import type { Method } from './types.ts';

/** What the command line and the server call them. */
export const EXPLANATION_METHODS = [
  'relevance',
  'rollout',
  'attention',
  'looking',
  'grad-cam',
  'input-gradient',
  'integrated-gradients',
  'occlusion',
] as const;

export type ExplanationMethod = (typeof EXPLANATION_METHODS)[number];

export const METHODS: Readonly<Record<ExplanationMethod, Method>> = {
  relevance,
  rollout,
  attention,
  looking,
  'grad-cam': gradCam,
  'input-gradient': inputGradient,
  'integrated-gradients': integratedGradients,
  occlusion,
};

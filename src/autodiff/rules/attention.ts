import type { AttentionOp } from '../../graph/index.ts';
import { type GradientRules, notDifferentiable } from './shared.ts';

export const attentionRules: GradientRules<AttentionOp> = { cachedAttention: notDifferentiable };

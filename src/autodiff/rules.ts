import type { OpName } from '../graph/index.ts';
import { attentionRules } from './rules/attention.ts';
import { elementwiseRules } from './rules/elementwise.ts';
import { layoutRules } from './rules/layout.ts';
import { productRules } from './rules/products.ts';
import { reductionRules } from './rules/reductions.ts';
import type { GradientRules } from './rules/shared.ts';

/** The gradient of every operator. A missing one does not compile. */
export const gradientRules: GradientRules<OpName> = {
  ...elementwiseRules,
  ...productRules,
  ...layoutRules,
  ...reductionRules,
  ...attentionRules,
};

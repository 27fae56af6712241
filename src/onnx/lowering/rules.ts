import type { OpName } from '../../graph/index.ts';
import { attentionLowering } from './attention.ts';
import { convolutionLowering } from './convolutions.ts';
import { elementwiseLowering } from './elementwise.ts';
import { layoutLowering } from './layout.ts';
import { normalizationLowering } from './normalizations.ts';
import { productLowering } from './products.ts';
import { reductionLowering } from './reductions.ts';
import type { LoweringRules } from './shared.ts';

/** How every operator is written in ONNX. A missing one does not compile. */
export const loweringRules: LoweringRules<OpName> = {
  ...elementwiseLowering,
  ...productLowering,
  ...layoutLowering,
  ...reductionLowering,
  ...normalizationLowering,
  ...attentionLowering,
  ...convolutionLowering,
};

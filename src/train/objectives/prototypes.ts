import { initializers, Module, Parameter } from '../../nn/index.ts';

/** A vector for each concept, which pictures' features are held against: see `prototypeLoss` and `truthLoss`. */
export class Prototypes extends Module {
  readonly vectors: Parameter;
  readonly log_scale: Parameter;

  constructor(concepts: number, width: number) {
    super();
    this.vectors = new Parameter([concepts, width], initializers.normal(1 / Math.sqrt(width)), { decay: false });
    this.log_scale = new Parameter([], initializers.constantFill(Math.log(1 / 0.07)));
  }
}

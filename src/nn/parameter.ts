import { type DType, GraphError } from '../core/index.ts';
import { parameter, type ParameterReference, type Tensor } from '../graph/index.ts';
import type { Initializer } from './initializers.ts';

/**
 * A weight of a module: its shape, how it starts, and the symbolic tensor that stands for it in graphs.
 * Its values live elsewhere, under its path: in a file, or in a runtime's memory.
 */
export class Parameter {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly initializer: Initializer;
  /** Whether weight decay applies; by default to matrices and kernels, not to biases, scales and other vectors. */
  readonly decay: boolean;
  /**
   * Whether it is the matrix or the kernel of a hidden layer, from states to states; by default it is not. Optimisers of
   * matrices (Muon) take these as a whole, and embeddings, output layers, tables and vectors element by element.
   */
  readonly hidden: boolean;
  readonly tensor: Tensor;
  readonly #reference: ParameterReference = { name: '' };

  constructor(
    shape: readonly number[],
    initializer: Initializer,
    options: { dtype?: DType; decay?: boolean; hidden?: boolean } = {},
  ) {
    this.shape = shape;
    this.dtype = options.dtype ?? 'float32';
    this.initializer = initializer;
    this.decay = options.decay ?? shape.length >= 2;
    this.hidden = options.hidden ?? false;
    this.tensor = parameter(this.#reference, this.dtype, shape);
  }

  /** Path in the module tree, which is the key in a checkpoint; '' before the tree was walked. */
  get path(): string {
    return this.#reference.name;
  }

  /** @throws GraphError when the parameter already belongs to another place */
  set path(path: string) {
    if (this.#reference.name !== '' && this.#reference.name !== path) {
      throw new GraphError(
        `the weight '${this.#reference.name}' cannot become '${path}'`,
        'a module belongs to one model',
      );
    }
    this.#reference.name = path;
  }
}

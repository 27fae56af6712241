import { GraphError, type HostTensor, type Random } from '../core/index.ts';
import { inModule } from '../graph/index.ts';
import { Parameter } from './parameter.ts';

/**
 * A part of a model: parameters and further modules as plain properties, and a `forward` method over symbolic tensors.
 * The path of a parameter is the chain of property names that leads to it, and equals its key in a checkpoint;
 * elements of arrays count as properties named by their index.
 */
export abstract class Module {
  #path = '';

  constructor() {
    // `forward` is wrapped so that shape errors and named tensors carry the module's path.
    const forward = Reflect.get(this, 'forward') as ((...inputs: unknown[]) => unknown) | undefined;
    if (forward === undefined) return;
    Object.defineProperty(this, 'forward', {
      value: (...inputs: unknown[]) => inModule(this.#path, () => forward.apply(this, inputs)),
    });
  }

  /** Path from the root of the model; '' for the root. */
  get path(): string {
    return this.#path;
  }

  /** All parameters by path, in the order of their properties. A shared one appears once, under its first path. */
  parameters(): Map<string, Parameter> {
    const found = new Map<string, Parameter>();
    const seen = new Set<Parameter>();
    walk(this, '', {
      parameter(path, parameter) {
        if (seen.has(parameter)) return;
        seen.add(parameter);
        found.set(path, parameter);
      },
      module(path, module) {
        module.#path = path;
      },
    });
    for (const [path, parameter] of found) parameter.path = path;
    return found;
  }

  /** All modules below by path, in the order of their properties. A shared one appears once, under its first path. */
  modules(): Map<string, Module> {
    const found = new Map<Module, string>();
    walk(this, '', {
      parameter() {},
      module(path, module) {
        if (path !== '' && !found.has(module)) found.set(module, path);
      },
    });
    return new Map([...found].map(([module, path]) => [path, module]));
  }

  /** First values for every parameter; each one's random numbers depend on its path, not on its neighbours. */
  initialize(random: Random): Record<string, HostTensor> {
    const values: Record<string, HostTensor> = {};
    for (const [path, parameter] of this.parameters()) {
      values[path] = parameter.initializer(parameter.shape, random.fork(path));
    }
    return values;
  }
}

interface Visitor {
  parameter(path: string, parameter: Parameter): void;
  module(path: string, module: Module): void;
}

function walk(node: unknown, path: string, visitor: Visitor): void {
  if (node instanceof Parameter) {
    visitor.parameter(path, node);
  } else if (node instanceof Module || Array.isArray(node)) {
    if (node instanceof Module) visitor.module(path, node);
    for (const [key, child] of Object.entries(node)) {
      if (key.includes('.'))
        throw new GraphError(`a property of a module is called '${key}'`, 'names with dots cannot be paths');
      walk(child, path === '' ? key : `${path}.${key}`, visitor);
    }
  }
}

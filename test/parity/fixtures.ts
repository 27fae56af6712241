import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HostTensor } from '../../src/core/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';

/** One case of a group of fixtures; the format is described at the top of `make/operators.py`. */
export interface FixtureCase {
  readonly name: string;
  readonly op: string;
  // Attributes differ from operator to operator; those who build a case know them.
  readonly attrs: any;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly params: Readonly<Record<string, HostTensor>>;
  readonly outputs: Readonly<Record<string, HostTensor>>;
  /** What flows into an output: a tensor, 1 for losses, nothing where it is missing. */
  readonly upstream: Readonly<Record<string, HostTensor | 'one'>>;
  readonly gradients: Readonly<Record<string, HostTensor>>;
}

interface ManifestCase {
  readonly name: string;
  readonly op: string;
  readonly attrs: unknown;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, { readonly upstream?: 'given' | 'one' }>>;
  readonly gradients: Readonly<Record<string, unknown>>;
}

/** Reads a group of fixtures: `operators`, `layers`, `models`, `optimizers`, `losses`. */
export async function loadFixtures(group: string): Promise<FixtureCase[]> {
  const path = (extension: string): string => fileURLToPath(new URL(`fixtures/${group}.${extension}`, import.meta.url));
  const manifest = JSON.parse(readFileSync(path('json'), 'utf8')) as { cases: ManifestCase[] };
  const tensors = await readSafetensors(path('safetensors'));
  return manifest.cases.map((entry) => {
    const take = (kind: string, key: string): HostTensor => tensors.get(`${entry.name}/${kind}/${key}`)!;
    const all = (kind: string, keys: Readonly<Record<string, unknown>>): Record<string, HostTensor> =>
      Object.fromEntries(Object.keys(keys).map((key) => [key, take(kind, key)]));
    const upstream: Record<string, HostTensor | 'one'> = {};
    for (const [key, spec] of Object.entries(entry.outputs)) {
      if (spec.upstream !== undefined) upstream[key] = spec.upstream === 'one' ? 'one' : take('up', key);
    }
    return {
      name: entry.name,
      op: entry.op,
      attrs: entry.attrs,
      inputs: all('in', entry.inputs),
      params: all('param', entry.params),
      outputs: all('out', entry.outputs),
      upstream,
      gradients: all('grad', entry.gradients),
    };
  });
}

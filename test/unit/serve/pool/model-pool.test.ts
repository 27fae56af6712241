import { describe, expect, it } from 'vitest';
import type { LoadedAdapter, LoadedModel } from '../../../../src/auto/index.ts';
import type { Answering } from '../../../../src/serve/index.ts';
import { ModelPool } from '../../../../src/serve/pool/model-pool.ts';

/** A model that only knows whether it was freed. */
function model(): { readonly freed: string[]; readonly loaded: LoadedModel } {
  const freed: string[] = [];
  return { freed, loaded: { kind: 'language', dispose: async () => void freed.push('model') } as never };
}

const engine = (freed: string[]) => async (): Promise<Answering> =>
  ({ stats: undefined, dispose: async () => void freed.push('engine') }) as never;

const adapter: LoadedAdapter = { name: 'cups', layers: new Map() };

describe('the pool of models', () => {
  it('gives models and adapters by name, and says which there are', async () => {
    const { freed, loaded } = model();
    const pool = new ModelPool({ engine: engine(freed) });
    await pool.add('owner/name', loaded);
    pool.addAdapter('owner/name', 'cups', adapter);
    expect(pool.list().map(({ id, base }) => [id, base])).toEqual([
      ['owner/name', 'owner/name'],
      ['owner/name:cups', 'owner/name'],
    ]);
    expect(pool.borrow('owner/name:cups').served.adapters).toEqual([{ adapter }]);
    expect(() => pool.borrow('other')).toThrow(/there is no model 'other'\n.*owner\/name, owner\/name:cups/);
    expect(() => pool.addAdapter('owner/name', 'cups', adapter)).toThrow(/already/);
    expect(() => pool.addAdapter('owner/name', 'a:b', adapter)).toThrow(/no name for a model/);
    expect(() => pool.addAdapter('other', 'cups', adapter)).toThrow(/there is no model other/);
  });

  it('frees what is taken out when nobody holds it, the adapter before its model', async () => {
    const { freed, loaded } = model();
    const pool = new ModelPool({ engine: engine(freed) });
    await pool.add('a', loaded);
    pool.addAdapter('a', 'cups', adapter);
    const held = pool.borrow('a:cups');
    const removed = pool.remove('a');
    expect(() => pool.borrow('a')).toThrow(/no model 'a'/);
    expect(() => pool.borrow('a:cups')).toThrow(/no model 'a:cups'/);
    expect(() => pool.addAdapter('a', 'more', adapter)).toThrow(/there is no model a/);
    await Promise.resolve();
    expect(freed).toEqual([]);
    held.release();
    held.release();
    await removed;
    expect(freed).toEqual(['engine', 'model']);
  });

  it('frees a model that it cannot take, and all at the end', async () => {
    const [first, second] = [model(), model()];
    const pool = new ModelPool({ engine: engine(first.freed) });
    await pool.add('a', first.loaded);
    await expect(pool.add('a', second.loaded)).rejects.toThrow(/already/);
    expect(second.freed).toEqual(['model']);
    await pool.dispose();
    expect(first.freed).toEqual(['engine', 'model']);
  });
});

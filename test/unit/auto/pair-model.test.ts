import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PairModel } from '../../../src/auto/index.ts';
import { load, openModel } from '../../../src/auto/node/index.ts';
import { type HostTensor, Random } from '../../../src/core/index.ts';
import { type Picture, picture } from '../../../src/data/index.ts';
import { readSafetensors } from '../../../src/hub/node/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { caption, classify, embed, embeds, match } from '../../../src/tasks/index.ts';
import { writePairFolder } from '../../pair-folder.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pairs-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function noise(seed: number): Picture {
  const random = new Random(seed);
  return picture(
    20,
    16,
    3,
    Uint8Array.from({ length: 20 * 16 * 3 }, () => Math.floor(random.uniform(0, 256))),
  );
}

describe.each(['clip', 'siglip'] as const)('%s', (kind) => {
  let model: PairModel;
  beforeAll(async () => {
    const loaded = await load(await writePairFolder(await mkdtemp(join(scratch, `${kind}-`)), kind), { threads: 1 });
    if (!(loaded instanceof PairModel)) throw new Error(`${loaded.kind} model`);
    model = loaded;
  });
  afterAll(() => model.dispose());

  it('gives the features of Transformers for the same pixels', async () => {
    const folder = fileURLToPath(new URL(`../../parity/fixtures/encoders/${kind}`, import.meta.url));
    const expected = await readSafetensors(join(folder, 'expected.safetensors'));
    const { architecture, weights } = await openModel(folder);
    if (architecture.kind !== 'pair') throw new Error(architecture.kind);
    const runtime = await createRuntime({ threads: 1 });
    const pixels = expected.get('in/pixels') as HostTensor<'float32'>;
    const direct = await PairModel.create(kind, {
      runtime,
      model: architecture.model,
      weights,
      tokenizer: {} as never,
      pictures: { batch: () => pixels, frame: () => [0, 0, 1, 1] },
    });
    const features = await direct.imageFeatures([noise(1)]);
    const wanted = expected.get('out/imageFeatures') as HostTensor<'float32'>;
    const texts = expected.get('out/textFeatures') as HostTensor<'float32'>;
    // Two blocks in float32 round off about 1e-6.
    features.data.forEach((x, i) => expect(x).toBeCloseTo(wanted.data[i]!, 4));
    const { logits } = await direct.similarity(wanted, texts);
    (expected.get('out/logits') as HostTensor<'float32'>).data.forEach((x, i) =>
      expect(logits.data[i]).toBeCloseTo(x, 3),
    );
    await direct.dispose();
  });

  it('says which label fits, and how sure it is', async () => {
    const labels = ['cat', 'red apple', 'house'];
    const scored = await classify(model, noise(2), labels, { sentence: 'a {}' });
    expect(scored.map(({ label }) => label).sort()).toEqual([...labels].sort());
    expect(scored[0]!.logit).toBeGreaterThan(scored[2]!.logit);
    const sum = scored.reduce((total, { probability }) => total + probability, 0);
    if (kind === 'clip') expect(sum).toBeCloseTo(1, 5);
    else for (const { logit, probability } of scored) expect(probability).toBeCloseTo(1 / (1 + Math.exp(-logit)), 6);
    const single = await match(model, noise(2), 'a cat');
    expect(single.probability === undefined).toBe(kind === 'clip');
  });

  it('gives vectors of length 1, whatever else is in the batch', async () => {
    const pictures = Array.from({ length: 18 }, (_, i) => noise(i));
    expect(embeds(model)).toBe(true);
    const all = await embed(model, { pictures, texts: ['a cat', 'a dog'] });
    const [alone] = (await embed(model, { pictures: [noise(17)] })).pictures;
    expect([all.pictures.length, all.texts.length]).toEqual([18, 2]);
    alone!.forEach((x, i) => expect(all.pictures[17]![i]).toBeCloseTo(x, 5));
    for (const vector of [...all.pictures, ...all.texts])
      expect(vector.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
    const { cosine } = await match(model, noise(17), 'a dog');
    expect(cosine).toBeCloseTo(
      alone!.reduce((sum, x, i) => sum + x * all.texts[1]![i]!, 0),
      5,
    );
  });

  it('refuses what it cannot do', async () => {
    await expect(caption(model, noise(1))).rejects.toMatchObject({ code: 'checkpoint' });
    await expect(classify(model, noise(1), [])).rejects.toMatchObject({ code: 'data' });
    await expect(classify(model, noise(1), ['cat'], { sentence: 'a photo' })).rejects.toThrow('has no {}');
    await expect(embed(model, {})).rejects.toThrow('nothing to embed');
  });
});

it('names what a folder lacks', async () => {
  const folder = await writePairFolder(await mkdtemp(join(scratch, 'bare-')), 'clip');
  await rm(join(folder, 'tokenizer.json'));
  await expect(load(folder)).rejects.toThrow('no tokenizer.json');
  const second = await writePairFolder(await mkdtemp(join(scratch, 'bare-')), 'clip');
  await writeFile(join(second, 'preprocessor_config.json'), JSON.stringify({ size: 'large' }));
  await expect(load(second)).rejects.toMatchObject({ code: 'checkpoint' });
  await cp(second, `${second}-2`, { recursive: true });
  await rm(join(second, 'preprocessor_config.json'));
  await expect(load(second)).rejects.toMatchObject({ code: 'checkpoint' });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import type { Prompt } from '../../src/generate/index.ts';
import { encodeSafetensors } from '../../src/hub/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import { lower } from '../../src/onnx/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Program, Runtime, Value } from '../../src/runtime/types.ts';
import { distance } from './check-gradients.ts';
import { MULTIMODAL } from './multimodal-cases.ts';
import {
  answer,
  caseOf,
  close,
  Fixture,
  folderOf,
  openSpeaker,
  outputsOf,
  promptOf,
  type Tensors,
  weightsOf,
} from './multimodal-fixture.ts';
import { rounded } from './rounded.ts';

/** Largest ‖x − x̂‖ / ‖x̂‖ beside Transformers, both in float32: four blocks round off about 1e-6. */
const TOLERANCE = 1e-4;
/** How far a tensor is moved, relative to its size, to see that it matters. */
const NUDGE = 0.05;

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'multimodal-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

async function allocate(tensors: Readonly<Record<string, HostTensor>>): Promise<Record<string, Value>> {
  const values: Record<string, Value> = {};
  for (const [name, tensor] of Object.entries(tensors))
    values[name] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
  return values;
}

async function readAll(values: Readonly<Record<string, Value>>): Promise<Record<string, HostTensor>> {
  const read: Record<string, HostTensor> = {};
  for (const [name, value] of Object.entries(values)) {
    read[name] = await value.read();
    value.dispose();
  }
  return read;
}

describe.each(Object.keys(MULTIMODAL))('%s', (name) => {
  let fixture: Fixture;
  let files: Tensors;
  beforeAll(async () => {
    fixture = await Fixture.load(name);
    files = await readSafetensors(join(folderOf(name), 'model.safetensors'));
  });

  it('gives what Transformers gives, and every tensor matters', async () => {
    const twin = caseOf(name);
    const weights = weightsOf(twin, files);
    const values = await allocate(weights);
    let far = 0;
    const programs: { program: Program; given: Record<string, Value>; right: Record<string, HostTensor> }[] = [];
    for (const p of fixture.prompts) {
      // Each length has a graph of its own, as in training.
      const given = fixture.inputs(fixture.numbers(`ids.${p}`), p);
      const program = await runtime.compile(lower(outputsOf(twin, given)), { optimization: 'all' });
      const labels = fixture.expected.get(`labels.${p}`)!;
      programs.push({ program, given: await allocate({ ...given, labels }), right: fixture.rightOf(p) });
    }
    const distances = async (p: number): Promise<Map<string, number>> => {
      const { program, given, right } = programs[p]!;
      const inputs = { ...values, ...given };
      const results = await readAll(
        await program.run(Object.fromEntries(program.inputs.map((each) => [each.name, inputs[each.name]!]))),
      );
      return new Map(Object.entries(right).map(([output, tensor]) => [output, distance(results[output]!, tensor)]));
    };
    for (const p of fixture.prompts) {
      const outputs = programs[p]!.program.outputs.map((each) => each.name).filter((each) => !each.startsWith('keys.'));
      expect(Object.keys(programs[p]!.right)).toEqual(expect.arrayContaining(outputs));
      for (const [output, value] of await distances(p)) {
        expect(value, `${output} of prompt ${p}`).toBeLessThan(TOLERANCE);
        far = Math.max(far, value);
      }
    }
    if (process.env['PARITY_FIGURES'] !== undefined) process.stdout.write(`${name}: ${far.toExponential(1)}\n`);

    const random = new Random(1);
    const used = Object.keys(weights).filter((path) => !twin.unused?.test(path));
    // Blocks that are not used are computed here only because they are looked at.
    const asked = lower({ logits: outputsOf(twin, fixture.inputs(fixture.numbers('ids.0'), 0))['logits']! }).inputs;
    expect(
      asked
        .map((each) => each.name)
        .filter((path) => path in weights)
        .sort(),
    ).toEqual(used.sort());
    for (const path of used) {
      const tensor = weights[path]!;
      const numbers = tensor.data as Float32Array;
      const size = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
      const moved = numbers.map((x) => x + NUDGE * size * random.normal());
      await values[path]!.write(hostTensor('float32', tensor.shape, moved));
      const farthest = Math.max(...(await distances(0)).values());
      expect(farthest, `${path} changes too little`).toBeGreaterThan(5 * TOLERANCE);
      await values[path]!.write(tensor);
    }
    for (const { program, given } of programs) {
      program.dispose();
      for (const value of Object.values(given)) value.dispose();
    }
    for (const value of Object.values(values)) value.dispose();
  });

  it('generates the same tokens over a cache, alone and in a batch of unequal lengths', async () => {
    const speaker = await openSpeaker(runtime, caseOf(name), folderOf(name));
    const prompts: Prompt[] = [];
    for (const p of fixture.prompts) {
      const prompt = await promptOf(fixture, speaker, p);
      for (const [i, { features }] of prompt.pictures!.entries())
        expect(
          distance(features, fixture.expected.get(`features.${fixture.numbers(`pictures.${p}`)[i]!}`)!),
        ).toBeLessThan(TOLERANCE);
      prompts.push(prompt);
    }
    const answers = fixture.prompts.map((p) => fixture.numbers(`tokens.${p}`));
    for (const text of answers) expect(new Set(text).size).toBeGreaterThanOrEqual(16);
    for (const [p, prompt] of prompts.entries()) expect(await answer(speaker, [prompt])).toEqual([answers[p]]);
    expect(new Set(prompts.map(({ tokens }) => tokens.length)).size).toBeGreaterThan(1);
    expect(await answer(speaker, prompts)).toEqual(answers);
    close(speaker);
  });

  it('generates the same tokens without a cache', async () => {
    const twin = caseOf(name);
    const values = await allocate(weightsOf(twin, files));
    for (const p of fixture.prompts) {
      // Where each token of the answer is the likeliest after all before it, so it is one by one.
      const [prompt, text] = [fixture.numbers(`ids.${p}`), fixture.numbers(`tokens.${p}`)];
      const given = fixture.inputs([...prompt, ...text.slice(0, -1)], p);
      const { logits } = outputsOf(twin, given);
      const program = await runtime.compile(lower({ logits: logits! }), { optimization: 'all' });
      const inputs = { ...values, ...(await allocate(given)) };
      const results = await readAll(
        await program.run(Object.fromEntries(program.inputs.map((each) => [each.name, inputs[each.name]!]))),
      );
      const { shape, data } = results['logits']!;
      const vocabulary = shape[2]!;
      const likeliest = text.map((_, i) => {
        const from = (prompt.length - 1 + i) * vocabulary;
        const row = (data as Float32Array).subarray(from, from + vocabulary);
        return row.indexOf(Math.max(...row));
      });
      expect(likeliest).toEqual(text);
      program.dispose();
    }
    for (const value of Object.values(values)) value.dispose();
  });

  it('reads bfloat16 and float16 files as the numbers that they hold', async () => {
    for (const dtype of ['bfloat16', 'float16'] as const) {
      const logits: Float32Array[] = [];
      for (const stored of [dtype, 'float32'] as const) {
        const folder = await mkdtemp(join(scratch, `${name}-`));
        const tensors = new Map([...files].map(([key, tensor]) => [key, rounded(tensor, dtype, stored)]));
        await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
        const speaker = await openSpeaker(runtime, caseOf(name), folder);
        const { tokens, pictures } = await promptOf(fixture, speaker, 0);
        const state = await speaker.decoding.start(1, tokens.length);
        logits.push((await state.read([{ tokens, features: pictures![0]!.features }])).data.slice());
        state.dispose();
        close(speaker);
      }
      expect(logits[0], dtype).toEqual(logits[1]);
    }
  });

  it('is differentiable in everything that matters', async () => {
    const twin = caseOf(name);
    const weights = weightsOf(twin, files);
    const used = Object.keys(weights).filter((path) => !twin.unused?.test(path));
    const p = fixture.prompts[1]!;
    const given = { ...fixture.inputs(fixture.numbers(`ids.${p}`), p), labels: fixture.expected.get(`labels.${p}`)! };
    const { loss } = outputsOf(twin, given);
    const parameters = twin.model.parameters();
    const slopes = gradients(
      loss!,
      used.map((path) => parameters.get(path)!.tensor),
    );
    const program = await runtime.compile(
      lower({ loss: loss!, ...Object.fromEntries(used.map((path, i) => [`slope.${path}`, slopes[i]!])) }),
      { optimization: 'all' },
    );
    const random = new Random(2);
    const directions: Record<string, number[]> = Object.fromEntries(
      used.map((path) => [path, Array.from({ length: weights[path]!.data.length }, () => random.normal())]),
    );
    // Down the slope by differences, and by the gradients themselves.
    const lossAt = async (step: number): Promise<Record<string, HostTensor>> => {
      const moved = Object.fromEntries(
        used.map((path) => {
          const { shape, data } = weights[path]!;
          return [
            path,
            hostTensor(
              'float32',
              shape,
              (data as Float32Array).map((x, i) => x + step * directions[path]![i]!),
            ),
          ];
        }),
      );
      const values = await allocate({ ...given, ...moved });
      const results = await readAll(
        await program.run(Object.fromEntries(program.inputs.map((each) => [each.name, values[each.name]!]))),
      );
      for (const value of Object.values(values)) value.dispose();
      return results;
    };
    const at = await lossAt(0);
    // All weights move to where the loss grows: along other directions it may be nearly flat, and differences but rounding.
    for (const path of used) {
      const slope = at[`slope.${path}`]!.data as Float32Array;
      directions[path] = directions[path]!.map((x, i) => Math.abs(x) * Math.sign(slope[i]!));
    }
    const step = 2e-5;
    const [before, after] = [await lossAt(-step), await lossAt(step)];
    const measured = (Number(after['loss']!.data[0]) - Number(before['loss']!.data[0])) / (2 * step);
    let computed = 0;
    for (const path of used) {
      const slope = at[`slope.${path}`]!.data as Float32Array;
      expect(
        slope.some((x) => x !== 0),
        path,
      ).toBe(true);
      slope.forEach((x, i) => (computed += x * directions[path]![i]!));
    }
    expect(Math.abs(computed - measured) / Math.abs(measured)).toBeLessThan(0.02);
    program.dispose();
  });
});

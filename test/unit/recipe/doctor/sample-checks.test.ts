import { describe, expect, it } from 'vitest';
import { DataError, hostTensor } from '../../../../src/core/index.ts';
import type { Sample } from '../../../../src/data/index.ts';
import { lossPieces, paintPieces } from '../../../../src/recipe/doctor/loss-text.ts';
import { FeatureCounter } from '../../../../src/recipe/doctor/picture-features.ts';
import { examineSample, type SampleLimits } from '../../../../src/recipe/doctor/sample-checks.ts';
import { image, limits, model, plain, reader, sampleOf, text, tokenizer, tokenizerWith, turn } from './subject.ts';

/** What is found, as `level check`. */
async function found(sample: Sample, changes: Partial<SampleLimits> = {}, by = reader): Promise<string[]> {
  const { findings } = await examineSample(sample, by, { ...limits, ...changes });
  for (const { where, message } of findings) {
    expect(where).toBe('sample 7');
    expect(message.length).toBeGreaterThan(10);
  }
  return findings.map(({ level, check }) => `${level} ${check}`);
}

describe('examineSample', () => {
  it('has nothing to say of a good sample', async () => {
    expect(await found(sampleOf())).toEqual([]);
    const three = [image(), text('Is it red?'), image(1)];
    const pictures = [plain(20, 16), plain(8, 30)].map((one, i) => ({ name: `${i}.png`, open: () => one }));
    expect(await found(sampleOf([turn('user', ...three), turn('assistant', text('yes'))], { pictures }))).toEqual([]);
  });

  it('finds samples without loss', async () => {
    expect(await found(sampleOf([turn('user', image(), text('What is this?'))]))).toContain('error no-loss');
    expect(await found(sampleOf([turn('user', image()), turn('assistant', text(' '))]))).toContain('error no-loss');
    expect(await found(sampleOf(undefined, { conversations: [] }))).toContain('error no-loss');
  });

  it('finds empty answers, turns out of order and turns that teach nothing', async () => {
    const [ask, answer] = [turn('user', image(), text('What?')), turn('assistant', text('A red apple.'))];
    const more = turn('user', text('Really?'));
    expect(await found(sampleOf([ask, answer, more, turn('assistant', text(''))]))).toEqual(['warning empty-answer']);
    expect(await found(sampleOf([ask, more, answer]))).toEqual(['warning turn-order']);
    expect(await found(sampleOf([ask, answer, more]))).toEqual(['warning last-turn']);
  });

  it('finds pictures that are not there, cannot be read, are tiny or are not shown', async () => {
    const answer = turn('assistant', text('yes'));
    expect(await found(sampleOf([turn('user', image(), image(1)), answer]))).toEqual(['error picture-number']);
    const cut = {
      name: 'cut.jpg',
      open: () => {
        throw new DataError('cut.jpg: the file ends too early', 'fetch it again');
      },
    };
    expect(await found(sampleOf(undefined, { pictures: [cut] }))).toEqual(['error picture']);
    const dot = { name: 'dot.png', open: () => plain(1, 1) };
    expect(await found(sampleOf(undefined, { pictures: [dot] }))).toEqual(['warning picture-size']);
    expect(await found(sampleOf([turn('user', text('Is it?')), answer]))).toEqual(['warning unused-picture']);
  });

  it('finds markers within texts', async () => {
    const turns = [turn('user', image(), text('What is in <image> here?')), turn('assistant', text('yes'))];
    expect(await found(sampleOf(turns))).toEqual(['error marker-in-text']);
  });

  it('finds image tokens that are not as many as features', async () => {
    const processor = {
      prepare(prompt: string, pictures: Parameters<NonNullable<typeof reader.processor>['prepare']>[1]) {
        const right = reader.processor!.prepare(prompt, pictures);
        return { ...right, pictures: right.pictures.map((one) => ({ ...one, features: one.features + 2 })) };
      },
      regions: () => [],
    };
    expect(await found(sampleOf(), {}, { tokenizer, processor })).toEqual(['error image-tokens', 'error image-tokens']);
  });

  it('finds pictures of a size that the model does not take', () => {
    const counter = new FeatureCounter(model);
    const of = (...shape: number[]) =>
      counter.count({ inputs: { pixel_values: hostTensor('float32', shape) }, features: 16 });
    expect(of(1, 3, 32, 32)).toBe(16);
    expect(of(2, 3, 32, 32)).toBe(32);
    expect(of(1, 3, 16, 16)).toContain('[1, 3, 16, 16]');
    expect(counter.count({ inputs: {}, features: 16 })).toContain('pixel_values');
  });

  it('finds tokens without embeddings, and texts longer than the context or the row', async () => {
    expect(await found(sampleOf(), { embeddings: 100 })).toEqual(['error vocabulary']);
    expect(await found(sampleOf(), { context: 20 })).toEqual(['error context']);
    expect(await found(sampleOf(), { length: 20 })).toEqual(['error row']);
    expect(await found(sampleOf(), { learned: 1 })).toEqual(['error row']);
    expect(await found(sampleOf(), { learned: 1, fitted: true })).toEqual(['error row']);
    expect(await found(sampleOf(), { learned: 1, fitted: true, speaks: false })).toEqual([]);
    expect(await found(sampleOf(), { learned: 1, speaks: false })).toEqual(['error row']);
    const { conversations } = sampleOf();
    const several = sampleOf(undefined, { conversations: [...conversations, ...conversations, ...conversations] });
    expect(await found(several, { length: 40 })).toEqual(['error row']);
    // A source that makes as many as there is room for leaves out the rest.
    expect(await found(several, { length: 40, fitted: true })).toEqual([]);
  });

  it('says what the template refuses', async () => {
    const strict = tokenizerWith("{{ raise_exception('only one turn') }}");
    expect(await found(sampleOf(), {}, { ...reader, tokenizer: strict })).toEqual(['error encoding']);
  });
});

describe('lossPieces', () => {
  it('shows the answer and its end as learned, and pictures as one piece', async () => {
    const { encoded } = await examineSample(sampleOf(), reader, limits);
    const pieces = lossPieces(encoded!.conversations[0]!, tokenizer, model.imageToken);
    expect(pieces.map(({ kind }) => kind)).toEqual(['read', 'picture', 'read', 'learned']);
    expect(pieces[1]).toEqual({ text: '<image>', tokens: 16, kind: 'picture' });
    expect(pieces[3]!.text).toBe(' A red apple.<|end|>');
    expect(paintPieces(pieces, false)).toBe(
      '<|user|><image> × 16 What is this?<|end|><|assistant|>« A red apple.<|end|>»',
    );
    expect(paintPieces(pieces, true)).toContain('\u001B[1;32m A red apple.<|end|>\u001B[22;39m');
  });

  it('gives no commands to the terminal', () => {
    const pieces = [{ text: 'a\u001B[2Jb\nc\u0007', tokens: 3, kind: 'read' as const }];
    expect(paintPieces(pieces, false)).toBe('ab⏎c ');
  });
});

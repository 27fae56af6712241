/**
 * Relevance in models where texts attend to pictures from a stream of their own (Chefer et al. 2021, arXiv 2103.15679): rules 5 to 9,
 * rule 10 wherever a stream asks another, and rule 11 where it is asked back.
 */
// B batch, N heads, T tokens of a text, P patches, S tokens of a question
import { gradients } from '../../autodiff/index.ts';
import { add, fromNumbers, gather, matmul, squeeze, type Tensor } from '../../graph/index.ts';
import {
  headRelevance,
  identity,
  normalizedRelevance,
  throughCrossAttention,
  throughSelfAttention,
} from './relevance.ts';

/** Attention maps of an encoder of pictures, and of texts that attend to it layer by layer. Each [1, N, ·, ·]. */
export interface StreamMaps {
  /** Of the picture within itself. */
  readonly vision: readonly Tensor[];
  /** Of the text within itself, and to the picture, layer by layer. */
  readonly self: readonly Tensor[];
  readonly cross: readonly Tensor[];
  /** Of an answer within itself, and to that text. */
  readonly answer?: { readonly self: readonly Tensor[]; readonly cross: readonly Tensor[] };
}

/** The maps that BLIP's models name while they are traced. */
export function blipMaps(taps: ReadonlyMap<string, Tensor>): StreamMaps {
  const of = (pattern: RegExp): Tensor[] =>
    [...taps].filter(([name]) => pattern.test(name)).map(([, tensor]) => tensor);
  const text = (stream: string): { self: Tensor[]; cross: Tensor[] } => ({
    self: of(new RegExp(`^${stream}\\..*layer\\.\\d+\\.attention\\.(self\\.)?weights$`)),
    // Cross-attention is called by the layer itself.
    cross: of(new RegExp(`^${stream}\\..*layer\\.\\d+\\.weights$`)),
  });
  const vision = of(/^vision_model\..*weights$/);
  const [encoder, decoder] = [text('text_encoder'), text('text_decoder')];
  if (encoder.self.length === 0) return { vision, ...decoder };
  return decoder.self.length === 0 ? { vision, ...encoder } : { vision, ...encoder, answer: decoder };
}

/** What the last stream owes. */
export interface StreamRelevance {
  /** To itself, [T, T]. */
  readonly within: Tensor;
  /** To the picture, [T, P]. */
  readonly across: Tensor;
}

/** @param output what is explained  @param seed its gradient */
export function streamRelevance(output: Tensor, seed: Tensor, maps: StreamMaps): StreamRelevance {
  const { vision, self, cross, answer } = maps;
  const all = [...vision, ...self, ...cross, ...(answer?.self ?? []), ...(answer?.cross ?? [])];
  const found = gradients(output, all, seed);
  const weighted = new Map(all.map((map, i) => [map, squeeze(headRelevance(map, found[i]!), 0)]));
  const of = (map: Tensor): Tensor => weighted.get(map)!;

  const picture = vision.reduce((sum, map) => throughSelfAttention(of(map), sum), identity(sizeOf(vision[0]!)));
  let text: StreamRelevance = {
    within: identity(sizeOf(self[0]!)),
    across: zeros(sizeOf(self[0]!), sizeOf(vision[0]!)),
  };
  self.forEach((map, layer) => {
    const read = through(of(map), text);
    text = throughCrossAttention(of(cross[layer]!), { ...read, withinOther: picture });
  });
  if (answer === undefined) return text;

  let written: StreamRelevance = {
    within: identity(sizeOf(answer.self[0]!)),
    across: zeros(sizeOf(answer.self[0]!), sizeOf(vision[0]!)),
  };
  answer.self.forEach((map, layer) => {
    const read = through(of(map), written);
    // The picture reaches the answer through the question: what of it each token of the question owes.
    const mixed = matmul(normalizedRelevance(read.within), of(answer.cross[layer]!), { transA: true });
    written = { within: read.within, across: add(read.across, matmul(mixed, text.across)) };
  });
  return written;
}

/** Rules 6 and 7. */
function through(attention: Tensor, { within, across }: StreamRelevance): StreamRelevance {
  return { within: throughSelfAttention(attention, within), across: throughSelfAttention(attention, across) };
}

/** The row of one token. @param row [1] int64 */
export function rowOfStreams({ within, across }: StreamRelevance, row: Tensor): Record<string, Tensor> {
  return { within: gather(within, row), across: gather(across, row) };
}

function sizeOf(map: Tensor): number {
  return map.shape.at(-1) as number;
}

function zeros(rows: number, columns: number): Tensor {
  return fromNumbers([rows, columns], new Float32Array(rows * columns));
}

import type { LoadedModel } from '../../auto/index.ts';
import type { Picture } from '../../data/index.ts';
import type { Grounding } from '../../models/index.ts';
import { askMany, embed, embeds, type ManyOptions, type PictureQuestion } from '../../tasks/index.ts';

/** Puts pictures and texts into one space. */
export interface EmbeddingModel {
  /** @returns vectors of length 1 */
  embedPictures(pictures: readonly Picture[]): Promise<Float32Array[]>;
  /** @returns vectors of length 1 */
  embedTexts(texts: readonly string[]): Promise<Float32Array[]>;
}

/** What a suite needs of a model. Parts that a model cannot do are left out of its figures. */
export interface EvaluatedModel {
  readonly name: string;
  /** Greedy answers in the order of the questions. */
  answer?(questions: readonly PictureQuestion[], options?: ManyOptions): Promise<string[]>;
  readonly grounding?: Grounding;
  readonly embedding?: EmbeddingModel;
}

/** A loaded model as suites see it. */
export function evaluatedModel(model: LoadedModel): EvaluatedModel {
  const answers = model.kind === 'question' || (model.kind === 'language' && model.readsPictures);
  const grounding = model.kind === 'language' ? model.parts.processor?.grounding : undefined;
  return {
    name: model.name,
    ...(answers ? { answer: (questions, options) => askMany(model, questions, options) } : {}),
    ...(grounding === undefined ? {} : { grounding }),
    ...(embeds(model)
      ? {
          embedding: {
            embedPictures: async (pictures) => (await embed(model, { pictures })).pictures,
            embedTexts: async (texts) => (await embed(model, { texts })).texts,
          },
        }
      : {}),
  };
}

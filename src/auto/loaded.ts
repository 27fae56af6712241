import type { CaptionModel, MatchModel, QuestionModel } from './blip-model.ts';
import type { LanguageModel } from './language-model.ts';
import type { PairModel } from './pair-model.ts';

/** A model that is ready to run, told apart by `kind`. */
export type LoadedModel = LanguageModel | PairModel | CaptionModel | QuestionModel | MatchModel;

// D width of the language model
import { z } from 'zod';
import { DataError } from '../../../core/index.ts';
import { openSampleSource } from '../../../data/node/index.ts';
import { readsPictures } from '../../../models/index.ts';
import { createModel, readingModel } from '../../../auto/index.ts';
import { encodeSample } from '../../conversations/encode.ts';
import { openReader } from '../../conversations/node/dataset.ts';
import { sizeOf } from '../../conversations/pack.ts';
import { type LessonSettings, SMALL_LESSON } from '../lesson.ts';

/** Width of the language model for which {@link SMALL_LESSON} was measured. */
const SMALL_WIDTH = 192;
/** Beyond this width a lower rank has to do. */
const LARGE_WIDTH = 384;
/** Rows come in lengths of this many tokens. */
const STEP = 64;

const sizesSchema = z.looseObject({
  model_type: z.string(),
  hidden_size: z.int().positive().optional(),
  text_config: z.looseObject({ hidden_size: z.int().positive().optional() }).optional(),
});

/**
 * How a model of any size is taught a lesson: rows as long as the longest of its conversations, and a learning rate that falls with
 * the width, as 1/D (Yang et al. 2022, arXiv 2203.03466).
 * @param model folder  @param data file of the lesson
 * @throws CheckpointError for a model that cannot be taught, DataError for one that reads no pictures or is too short for the lesson
 */
export async function lessonSettings(model: string, data: string): Promise<LessonSettings> {
  const reader = await openReader(model);
  const { model: network } = readingModel(createModel(reader.config, model), model);
  if (reader.processor === undefined || !readsPictures(network))
    throw new DataError('the model reads no pictures', 'teach a model that does');
  const { text_config: text, hidden_size, model_type: type } = sizesSchema.parse(reader.config);
  const scenes = type === 'sensorium_vl';
  const width = text?.hidden_size ?? hidden_size ?? 2048;
  const source = await openSampleSource({ path: data });
  let [length, learned] = [0, 0];
  try {
    for (let i = 0; i < source.length; i++) {
      const sample = await source.sample(i, { seed: 0, epoch: 0 });
      const size = sizeOf(await encodeSample(sample, reader), network.imageToken);
      length = Math.max(length, size.shared + size.own[0]!);
      learned = Math.max(learned, size.learned[0]!);
    }
  } finally {
    await source.close?.();
  }
  const { maxLength } = network.generation;
  if (length > maxLength)
    throw new DataError(
      `a picture with its text has ${length} tokens, the model holds ${maxLength}`,
      'shorten the text',
    );
  const rows = Math.min(maxLength, Math.max(SMALL_LESSON.length, Math.ceil(length / STEP) * STEP));
  return {
    rank: scenes ? SMALL_LESSON.rank : width > LARGE_WIDTH ? 8 : 16,
    learningRate: SMALL_LESSON.learningRate * Math.min(1, SMALL_WIDTH / width),
    length: rows,
    learned: Math.max(Math.min(SMALL_LESSON.learned, rows / 2), learned),
    // Without scenes there may be fewer rows than a larger batch takes.
    batch: scenes ? SMALL_LESSON.batch : 1,
    augment: width <= LARGE_WIDTH,
    scenes,
  };
}

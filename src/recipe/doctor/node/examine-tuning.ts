import { mkdtemp, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createModel, type ReadingArchitecture, readingModel } from '../../../auto/index.ts';
import { type OpenModel, openModel, resolveModel } from '../../../auto/node/index.ts';
import type { CheckpointTokenizer, Sample, SampleSource } from '../../../data/index.ts';
import { openSampleSource } from '../../../data/node/index.ts';
import { type ImageTextModel, readsPictures } from '../../../models/index.ts';
import { signatureOf, type WeightFiles } from '../../../train/index.ts';
import { updateOf } from '../../build.ts';
import { ConversationDataset } from '../../conversations/dataset.ts';
import type { ConversationReader, EncodedSample } from '../../conversations/encode.ts';
import { openReader } from '../../conversations/node/dataset.ts';
import { openSources, prepareSources, textsOf } from '../../conversations/node/sources.ts';
import { planRows, sizeOf } from '../../conversations/pack.ts';
import { createModelFolder } from '../../tuning/node/new-model.ts';
import { FIRST } from '../../node/run-files.ts';
import { asSeen, keptBytes } from '../../tuning/node/seen-pictures.ts';
import { taughtBy } from '../../tuning/node/taught.ts';
import { imageSizeOf, shapeOf } from '../../tuning/shape.ts';
import type { TuningRecipe } from '../../tuning/types.ts';
import { budgetOf } from '../budget.ts';
import { type Fingerprint, fingerprint, overlapFindings, repeatFindings } from '../duplicates.ts';
import { lossPieces } from '../loss-text.ts';
import { modelFindings } from '../model-checks.ts';
import { FeatureCounter } from '../picture-features.ts';
import { automaticBatch, courseFindings, TRIED_BATCH, tuningFindings } from '../recipe-checks.ts';
import { examineSample, type SampleLimits } from '../sample-checks.ts';
import { templateFindings } from '../template-checks.ts';
import { attempt, type Examining } from './examine.ts';
import { machineFindings } from './machine.ts';

/** A model as the run will begin with it. */
interface Subject {
  readonly folder: string;
  readonly opened: OpenModel;
  readonly architecture: ReadingArchitecture;
  readonly reader: ConversationReader;
  readonly tokenizer: CheckpointTokenizer;
  readonly limits: Omit<SampleLimits, 'fitted'>;
}

/** A sample that could be read, opened. */
interface ReadSample {
  readonly sample: Sample;
  readonly encoded: EncodedSample;
}

/** Samples of evaluation, and of training that they are held against, at most. */
const MOST_COMPARED = 20_000;
/** Conversations of one sample that are shown. */
const SHOWN_EACH = 2;

/** A recipe for a model of pictures and texts: its model, its data, and the first step that it would take. */
export async function examineTuning(recipe: TuningRecipe, examining: Examining): Promise<void> {
  examining.findings.push(...tuningFindings(recipe), ...automaticBatch(recipe.train));
  const folder = await attempt(examining, { check: 'model', where: whereOf(recipe) }, () =>
    modelFolder(recipe, examining),
  );
  if (folder === undefined) return;
  const { output, model } = recipe;
  const standsIn = model.from !== undefined && examining.standIns.get(resolve(model.from)) === folder;
  examining.standIns.set(resolve(output, 'model'), folder);
  // What a stage before this one leaves besides its model is not there either.
  const present = standsIn ? { ...recipe, model: { ...model, conceptsFrom: undefined } } : recipe;
  const subject = await openSubject(present, folder, examining);
  if (subject === undefined) return;
  const samples = await examineData(present, subject, examining);
  if (samples.read.length > 0) await examineStep(present, subject, samples, examining);
}

function whereOf({ model }: TuningRecipe): string {
  return model.from === undefined ? 'model.create' : `model.from (${model.from})`;
}

/**
 * The model that a run begins with. A new one is made in the scratch folder; in place of one that an earlier stage will leave, that
 * which the stage begins with.
 */
async function modelFolder(
  { model, data, train, output }: TuningRecipe,
  { cacheFolder, standIns, scratch }: Examining,
): Promise<string> {
  const there = async (folder: string): Promise<boolean> =>
    (await stat(join(folder, 'config.json')).catch(() => undefined)) !== undefined;
  if (model.from !== undefined) {
    const standIn = standIns.get(resolve(model.from));
    return standIn === undefined || (await there(model.from)) ? resolveModel(model.from) : standIn;
  }
  // What a run that goes on begins with; a new run makes its own.
  const first = join(output, FIRST);
  if (await there(first)) return first;
  const folder = await mkdtemp(join(scratch, 'model-'));
  await createModelFolder(folder, model.create!, await textsOf(data.sources, cacheFolder), train.seed);
  return folder;
}

async function openSubject(recipe: TuningRecipe, folder: string, examining: Examining): Promise<Subject | undefined> {
  const where = whereOf(recipe);
  const opened = await attempt(examining, { check: 'model', where }, () => openModel(folder));
  if (opened === undefined) return undefined;
  // A new tree, since the weights of the opened one know their paths already, without the objective around them.
  const architecture = await attempt(examining, { check: 'model', where }, () =>
    readingModel(createModel(opened.files.config, folder), folder),
  );
  const reader = await attempt(examining, { check: 'processor', where }, () =>
    openReader(folder, { joined: recipe.data.splitTokens > 0 }),
  );
  if (architecture === undefined || reader === undefined) return undefined;
  const { model } = architecture;
  const { tokenizer, processor } = reader;
  const seeing = readsPictures(model) && processor !== undefined ? model : undefined;
  const limits = {
    embeddings: model.generation.vocabularySize,
    context: model.generation.maxLength,
    length: recipe.data.length,
    learned: recipe.data.learned,
    speaks: recipe.objectives.language > 0,
    ...(seeing === undefined
      ? {}
      : {
          imageToken: seeing.imageToken,
          imageMarker: tokenizer.decode([seeing.imageToken], { specialTokens: true }),
          features: new FeatureCounter(seeing),
        }),
  };
  const { stopTokens } = opened;
  examining.findings.push(
    ...modelFindings({ tokenizer, ...limits, rowLength: recipe.data.length, where }),
    ...templateFindings({ tokenizer, imageMarker: limits.imageMarker, stopTokens, where }),
  );
  return { folder, opened, architecture, reader, tokenizer, limits };
}

interface ExaminedData {
  readonly read: readonly ReadSample[];
  /** Samples of one pass. */
  readonly length: number;
  readonly fitted: boolean;
}

async function examineData(recipe: TuningRecipe, subject: Subject, examining: Examining): Promise<ExaminedData> {
  const { findings } = examining;
  const options = {
    sources: recipe.data.sources,
    seed: recipe.train.seed,
    imageSize: imageSizeOf(subject.architecture),
    cacheFolder: examining.cacheFolder,
  };
  const source = await attempt(examining, { check: 'data', where: 'data.sources' }, async () =>
    openSources(options, await prepareSources(options)),
  );
  if (source === undefined) return { read: [], length: 0, fitted: false };
  const { fitted, length } = source;
  const limits = { ...subject.limits, fitted };
  const read: ReadSample[] = [];
  const prints: Fingerprint[] = [];
  let { show } = examining;
  try {
    const count = Math.min(examining.samples, length);
    for (let i = 0; i < count; i++) {
      const index = Math.floor((i * length) / count);
      const sample = await attempt(examining, { check: 'sample', where: `sample ${index}` }, () =>
        source.sample(index, { seed: recipe.train.seed, epoch: 0 }),
      );
      examining.examined++;
      if (sample === undefined) continue;
      const found = await attempt(examining, { check: 'encoding', where: sample.id }, () =>
        examineSample(sample, subject.reader, limits),
      );
      if (found === undefined) continue;
      findings.push(...found.findings);
      prints.push(fingerprint(sample, found.pictures));
      if (found.encoded === undefined) continue;
      if (limits.speaks && show-- > 0) showLoss(found.encoded, subject, examining);
      if (found.findings.some(({ level }) => level === 'error')) continue;
      const pictures = sample.pictures.map(({ name }, at) => ({ name, open: () => found.pictures[at]! }));
      read.push({ sample: { ...sample, pictures }, encoded: found.encoded });
    }
    findings.push(...repeatFindings(prints));
    for (const path of evaluationPaths(recipe, examining))
      await compare(path, source, fitted ? prints : undefined, recipe, examining);
  } finally {
    await source.close?.();
  }
  return { read, length, fitted };
}

function showLoss({ id, conversations }: EncodedSample, { tokenizer, limits }: Subject, { shown }: Examining): void {
  for (const conversation of conversations.slice(0, SHOWN_EACH))
    shown.push({ sample: id, pieces: lossPieces(conversation, tokenizer, limits.imageToken) });
}

/** Files of samples that are only asked about. */
function evaluationPaths({ data }: TuningRecipe, { against }: Examining): string[] {
  const files = (data.validation?.sources ?? []).flatMap((source) => (source.kind === 'files' ? [source.path] : []));
  return against === undefined ? files : [...files, against];
}

/** Holds evaluation data against training data. @param prints of training, where not all of it can be looked at */
async function compare(
  path: string,
  source: SampleSource,
  prints: readonly Fingerprint[] | undefined,
  { train }: TuningRecipe,
  examining: Examining,
): Promise<void> {
  const evaluation = await attempt(examining, { check: 'overlap', where: path }, async () => {
    const opened = await openSampleSource({ path });
    try {
      return await printsOf(opened, train.seed);
    } finally {
      await opened.close?.();
    }
  });
  if (evaluation === undefined) return;
  const training =
    prints ?? (await attempt(examining, { check: 'overlap', where: 'data' }, () => printsOf(source, train.seed)));
  if (training !== undefined) examining.findings.push(...overlapFindings(training, evaluation));
}

async function printsOf(source: SampleSource, seed: number): Promise<Fingerprint[]> {
  const prints: Fingerprint[] = [];
  for (let i = 0; i < Math.min(source.length, MOST_COMPARED); i++) {
    const sample = await source.sample(i, { seed, epoch: 0 });
    const pictures = [];
    for (const picture of sample.pictures) pictures.push(await picture.open());
    prints.push(fingerprint(sample, pictures));
  }
  return prints;
}

/** What the first step will take. */
async function examineStep(
  recipe: TuningRecipe,
  { folder, opened, architecture, reader, limits }: Subject,
  { read, length, fitted }: ExaminedData,
  examining: Examining,
): Promise<void> {
  const { findings } = examining;
  const { data } = recipe;
  const train = { ...recipe.train, batch: recipe.train.batch || TRIED_BATCH };
  const sizes = read.map(({ encoded }) => sizeOf(encoded, limits.imageToken));
  const plan = fitted ? read.map((_, i) => [i]) : planRows(sizes, data);
  if (limits.speaks) findings.push(packingNote(read, plan, recipe, fitted));
  const rows = fitted ? length : Math.max(1, Math.round((length * plan.length) / read.length));
  if (rows < train.batch)
    findings.push({
      level: 'error',
      check: 'batch',
      where: 'train.batch',
      message: `a batch of ${train.batch} rows is more than the data fill, about ${rows}`,
      hint: 'lower train.batch',
    });
  const budget = await attempt(examining, { check: 'step', where: 'model' }, async () => {
    const taught = await taughtBy(recipe, { start: folder, opened, architecture });
    const shape = shapeOf(recipe, architecture, taught.regions);
    // As many rows as a batch has, of those that were looked at.
    const index = (row: number): number => row % plan.length;
    const dataset = fitted
      ? new ConversationDataset({ length: train.batch, sample: (row) => read[index(row)]!.sample }, reader, shape)
      : new ConversationDataset(
          { length: read.length, sample: (number) => read[number]!.sample },
          reader,
          shape,
          Array.from({ length: train.batch }, (_, row) => plan[index(row)]!),
        );
    const made = await dataset.batch({ seed: train.seed, epoch: 0, index: 0 }, train.batch);
    const batch = taught.seesAlike ? asSeen(made, opened.architecture.model as ImageTextModel) : made;
    return budgetOf({
      trainable: taught.trainable,
      batch: signatureOf(batch),
      trains: (name) => taught.groups(name).train,
      ...(taught.frozen === undefined ? {} : { frozenBytes: sizeOfFiles(taught.frozen) }),
      optimizer: updateOf(recipe),
      accumulate: train.accumulate,
      resident: process.memoryUsage.rss() + (taught.seesAlike ? keptBytes(batch, train.batch, rows) : 0),
    });
  });
  if (budget === undefined) return;
  examining.budget = budget;
  const steps =
    train.epochs === undefined ? train.steps : (Math.floor(rows / train.batch) * train.epochs) / train.accumulate;
  findings.push(
    ...(await machineFindings(
      budget,
      { ...train, output: recipe.output, rates: examining.rates },
      { steps: steps === undefined ? undefined : Math.ceil(steps), minutes: train.minutes },
    )),
    ...courseFindings(recipe.schedule.warmup, steps),
  );
}

/** Bytes of weights that are read where they lie, and of those whose numbers are held besides. */
function sizeOfFiles({ places, numbers = new Map() }: WeightFiles): number {
  const held = [...numbers.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  return [...places.values()].reduce((sum, { length }) => sum + length, held);
}

/** How many tokens carry loss, and how full rows are. */
function packingNote(
  read: readonly ReadSample[],
  plan: readonly (readonly number[])[],
  { data }: TuningRecipe,
  fitted: boolean,
): Examining['findings'][number] {
  let [tokens, learned] = [0, 0];
  for (const { encoded } of read)
    for (const conversation of encoded.conversations) {
      tokens += conversation.tokens.length;
      learned += conversation.learned.reduce((sum, one) => sum + one, 0);
    }
  const share = `${learned} of ${tokens} tokens carry loss (${((100 * learned) / tokens).toFixed(0)} %)`;
  const filled = `${read.length} samples fill ${plan.length} rows of ${data.length}`;
  return {
    level: 'note',
    check: 'loss',
    where: 'data',
    message: fitted ? `${share}, in samples of a row each` : `${share}; ${filled}`,
  };
}

import type { LanguageModel } from '../src/auto/index.ts';
import { load } from '../src/auto/node/index.ts';
import { prepareScenes } from '../src/data/node/index.ts';
import { suiteSceneOptions } from '../src/eval/index.ts';
import { SUITE_STUDIOS } from '../src/eval/node/index.ts';
import { EXPLANATION_METHODS, type ExplanationMethod } from '../src/explain/index.ts';
import { type Example, examples, FORMS } from './pointing/examples.ts';
import { areaOf, contains, type Pointing, Subject } from './pointing/subject.ts';
import type { BenchOptions, Figure } from './types.ts';

export const description =
  'Whether the maps of each method of explanation point at what is spoken of, on emoji scenes, and how faithful they are';

/** How much is measured. */
export interface PointingCounts {
  /** Examples of each split; slow methods have fewer. */
  readonly examples: number;
  readonly fewer: number;
  /** Examples whose deletion and insertion curves are drawn. */
  readonly curves: number;
  /** All unless told. */
  readonly methods?: readonly ExplanationMethod[];
}

const COUNTS: PointingCounts = { examples: 240, fewer: 48, curves: 12 };
const SLOW: ReadonlySet<ExplanationMethod> = new Set(['occlusion', 'integrated-gradients']);
/** Splits by their seeds. The method is chosen where no figure is reported from. */
const SEEDS = { validation: 1, test: 0 } as const;

type Studio = keyof typeof SUITE_STUDIOS;

export async function* run({ model: folder, threads }: BenchOptions): AsyncGenerator<Figure> {
  const model = (await load(folder ?? 'starter', { threads })) as LanguageModel;
  try {
    yield* measure(model, COUNTS);
  } finally {
    await model.dispose();
  }
}

export async function* measure(model: LanguageModel, counts: PointingCounts): AsyncGenerator<Figure> {
  const validation = await pointAll(model, 'seen', SEEDS.validation, counts);
  const shares = new Map([...validation.methods].map(([method, found]) => [method, share(found)]));
  // Fewer examples would be more luck.
  const rivals = [...shares.keys()].filter((method) => !SLOW.has(method));
  const [chosen] = rivals.sort((a, b) => shares.get(b)! - shares.get(a)!) as [ExplanationMethod];
  yield* figures('validation, seen', validation, chosen);
  yield* figures('test, seen', await pointAll(model, 'seen', SEEDS.test, counts), chosen);
  yield* figures('test, unseen', await pointAll(model, 'openmoji', SEEDS.test, counts), chosen);
  yield* curves(model, counts);
}

/** All that was pointed at. */
interface Pointings {
  readonly methods: ReadonlyMap<ExplanationMethod, readonly Pointing[]>;
  /** Without any map: the middle of the picture, and any place. */
  readonly center: number;
  readonly random: number;
}

async function* opened(
  model: LanguageModel,
  studio: Studio,
  seed: number,
  count: number,
): AsyncGenerator<Subject, void, void> {
  const sets = SUITE_STUDIOS[studio];
  const material = await prepareScenes(suiteSceneOptions({ sets }));
  let found = 0;
  for (const example of examples(material, sets, seed)) {
    const subject = await Subject.open(model, example);
    if (subject === undefined) continue;
    yield subject;
    if (++found === count) return;
  }
}

async function pointAll(
  model: LanguageModel,
  studio: Studio,
  seed: number,
  { examples: count, fewer, methods: asked = EXPLANATION_METHODS }: PointingCounts,
): Promise<Pointings> {
  const methods = new Map(asked.map((method): [ExplanationMethod, Pointing[]] => [method, []]));
  const shown: Example[] = [];
  for await (const subject of opened(model, studio, seed, count)) {
    for (const [method, found] of methods)
      if (!SLOW.has(method) || shown.length < fewer) found.push(await subject.points(method));
    shown.push(subject.example);
  }
  const mean = (of: (example: Example) => number): number =>
    shown.reduce((sum, each) => sum + of(each), 0) / shown.length;
  return {
    methods,
    center: mean(({ box }) => Number(contains(box, [0.5, 0.5]))),
    random: mean(({ box }) => areaOf(box)),
  };
}

function share(found: readonly Pointing[]): number {
  return found.filter(({ hits }) => hits).length / found.length;
}

function* figures(split: string, { methods, center, random }: Pointings, chosen: ExplanationMethod): Generator<Figure> {
  for (const [method, found] of methods) {
    const mass = found.reduce((sum, each) => sum + each.mass, 0) / found.length;
    const byForm = FORMS.map((form) => `${form} ${percent(share(found.filter((each) => each.form === form)))}`);
    const byCell = found.filter(({ cellHits }) => cellHits).length / found.length;
    const note = `${found.length} examples; ${byForm.join(', ')}; by middle of cell ${percent(byCell)}; mass in the box ${percent(mass)}`;
    const name = `${split}: ${method}${method === chosen ? ' (chosen)' : ''}`;
    yield { name, value: 100 * share(found), unit: '%', note };
  }
  yield { name: `${split}: centre`, value: 100 * center, unit: '%' };
  yield { name: `${split}: random`, value: 100 * random, unit: '%' };
}

async function* curves(
  model: LanguageModel,
  { curves: count, methods = EXPLANATION_METHODS }: PointingCounts,
): AsyncGenerator<Figure> {
  if (count === 0) return;
  const sums = new Map(methods.map((method) => [method, { deletion: 0, insertion: 0 }]));
  for await (const subject of opened(model, 'seen', SEEDS.test, count))
    for (const [method, sum] of sums) {
      const { deletion, insertion } = await subject.faithfulness(method);
      sum.deletion += deletion.area / count;
      sum.insertion += insertion.area / count;
    }
  for (const [method, { deletion, insertion }] of sums) {
    yield { name: `deletion, less is better: ${method}`, value: deletion, unit: 'area', note: `${count} examples` };
    yield { name: `insertion, more is better: ${method}`, value: insertion, unit: 'area', note: `${count} examples` };
  }
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}

/** The sources that a recipe names, mixed by their weights. */
import { DataError } from '../../../core/index.ts';
import {
  augmented,
  mixed,
  openTogether,
  type Picture,
  picture,
  type ReportProgress,
  type Sample,
  type SampleSource,
  textsIn,
  withSamples,
} from '../../../data/index.ts';
import { loadConcepts } from '../../../data/node/index.ts';
import { openSampleSource } from '../../../data/formats/node/index.ts';
import type { SourceDescription } from '../../../data/formats/index.ts';
import {
  SCENE_ATTRIBUTES,
  sceneClasses,
  type SceneSourceOptions,
  sceneTexts,
  WITHHELD_CONCEPTS,
} from '../../../data/scenes/index.ts';
import { create as createScenes, prepare as prepareScenes } from '../../../data/scenes/node/source.ts';
import type { RegionClasses } from '../matching.ts';
import type { FilesSource, ScenesSource } from '../../tuning/types.ts';

/** Plain data, so that it can be sent to a worker. */
export interface SourcesOptions {
  readonly sources: readonly (ScenesSource | FilesSource)[];
  readonly seed: number;
  /** Side of the model's pictures, which scenes are made with; their own usual one where absent. */
  readonly imageSize: number | undefined;
  /** Folder for rendered drawings. */
  readonly cacheFolder?: string;
}

/** What sources share among workers, one for each. */
export type SourcesMaterial = readonly (Awaited<ReturnType<typeof prepareScenes>> | undefined)[];

/** Samples of all sources. */
export interface OpenedSources extends SampleSource {
  /** Whether each sample has a row of its own, with as many of its conversations as fit. */
  readonly fitted: boolean;
}

/** Scenes from which a tokenizer's texts are taken. */
const TOKENIZED_SCENES = 3000;

/** Loads what sources share. @throws DataError */
export async function prepareSources(options: SourcesOptions, report?: ReportProgress): Promise<SourcesMaterial> {
  const material = [];
  for (const source of options.sources)
    material.push(source.kind === 'scenes' ? await prepareScenes(sceneOptions(source, options), report) : undefined);
  return material;
}

/** @param material of {@link prepareSources}  @throws DataError when a source cannot be read */
export async function openSources(options: SourcesOptions, material: SourcesMaterial): Promise<OpenedSources> {
  const { sources } = options;
  const mixture = await openTogether(
    sources,
    async (source, i) => {
      const opened = source.kind === 'scenes' ? openScenes(source, options, material[i]) : await openFiles(source);
      return source.retain ? retained(opened) : opened;
    },
    (opened) =>
      opened.length === 1 ? opened[0]! : mixed(opened.map((source, i) => ({ source, weight: sources[i]!.weight }))),
  );
  return {
    ...withSamples(mixture, (index, moment) => mixture.sample(index, moment)),
    // Beside samples that are made to fill a row, others have a row of their own too.
    fitted: sources.some(({ kind }) => kind === 'scenes'),
  };
}

/** What the sources know of regions. @throws DataError where they know nothing */
export async function regionClasses(sources: readonly (ScenesSource | FilesSource)[]): Promise<RegionClasses> {
  if (sources.every(({ kind }) => kind === 'scenes'))
    return { concepts: sceneClasses((await loadConcepts()).length), attributes: SCENE_ATTRIBUTES };
  throw new DataError(
    'the data do not say what pictures show where, which matching of regions needs',
    'set objectives.regions, words, looking, kinds and shown to 0',
  );
}

/** All that the sources can say, to make a tokenizer of. */
export async function textsOf(
  sources: readonly (ScenesSource | FilesSource)[],
  cacheFolder: string,
): Promise<string[]> {
  const texts: string[] = [];
  for (const source of sources) {
    if (source.kind === 'scenes') {
      // Questions of all kinds, since later stages ask others than the first.
      const { kinds: _, ...options } = sceneOptions(source, { sources, seed: 0, imageSize: undefined, cacheFolder });
      // One by one: there are more than a call takes as arguments.
      for (const text of sceneTexts(options, await prepareScenes(options), TOKENIZED_SCENES)) texts.push(text);
      continue;
    }
    const opened = await openFiles(source);
    try {
      for (let i = 0; i < opened.length; i++) texts.push(...saidIn(await opened.sample(i, { seed: 0, epoch: 0 })));
    } finally {
      await opened.close?.();
    }
  }
  return texts;
}

function saidIn({ conversations }: Sample): string[] {
  return conversations.flatMap((turns) => turns.flatMap(({ content }) => textsIn(content)));
}

function sceneOptions(source: ScenesSource, { imageSize, cacheFolder }: SourcesOptions): SceneSourceOptions {
  return {
    sets: source.sets,
    length: source.length,
    questions: source.questions,
    singles: source.single,
    crowds: source.crowds,
    crowdRows: source.crowdRows,
    words: source.words,
    objects: source.objects,
    vary: source.vary,
    restyle: source.restyle,
    without: WITHHELD_CONCEPTS,
    ...(source.kinds === undefined ? {} : { kinds: source.kinds }),
    ...(imageSize === undefined ? {} : { size: imageSize }),
    ...(cacheFolder === undefined ? {} : { cacheFolder }),
  };
}

function openScenes(source: ScenesSource, options: SourcesOptions, material: SourcesMaterial[number]): SampleSource {
  if (material === undefined) throw new DataError('the drawings of scenes were not prepared');
  const scenes = createScenes(sceneOptions(source, options), material);
  return source.blind ? withoutPictures(scenes) : scenes;
}

async function openFiles({ path, format, augment }: FilesSource): Promise<SampleSource> {
  const described = format === undefined ? {} : { format: format as SourceDescription['format'] };
  const opened = await openSampleSource({ path, ...described });
  return augment === false ? opened : augmented(opened, augment === true ? {} : augment);
}

/** The same samples, of which a model is to go on saying what it says. */
function retained(source: SampleSource): SampleSource {
  return withSamples(source, async (index, moment) => ({ ...(await source.sample(index, moment)), retained: true }));
}

/** The same samples with plain grey pictures. */
function withoutPictures(source: SampleSource): SampleSource {
  return withSamples(source, async (index, moment) => {
    const sample = await source.sample(index, moment);
    return {
      ...sample,
      pictures: sample.pictures.map(({ name, open }) => ({ name, open: async () => grey(await open()) })),
    };
  });
}

function grey({ width, height }: Picture): Picture {
  return picture(width, height, 3, new Uint8Array(width * height * 3).fill(128));
}

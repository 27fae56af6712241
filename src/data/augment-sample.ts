/** Variations of pictures that leave true what is said about them. */
import type { Random } from '../core/index.ts';
import { sampleRandom } from './dataset.ts';
import type { BlockedSource } from './formats/blocks.ts';
import { crop, onBackground, picture, type Picture } from './image.ts';
import type { RelativeBox, Sample, SamplePart } from './samples.ts';
import { withSamples } from './sources/parts.ts';

/** How far pictures may be varied. */
export interface SampleAugmentation {
  /** Probability of mirroring; 0.5 unless told. */
  readonly mirror?: number | undefined;
  /** Most of the width and height that is cut off each side; 0.08 unless told. */
  readonly crop?: number | undefined;
  /**
   * Most of the width and height that is put around the picture in all, of the pixels at its border: what it shows is smaller then, and
   * somewhere else. Every other picture is made so in place of being cut. 0 unless told.
   */
  readonly widen?: number | undefined;
  /** Most by which brightness and contrast change; 0.2 unless told. */
  readonly light?: number | undefined;
  /** Most by which each colour is strengthened or weakened; 0.1 unless told. */
  readonly colour?: number | undefined;
}

/** What may be done to the pictures of a sample. */
export interface AllowedChanges {
  readonly mirror: boolean;
  /** Also whether it may be widened. */
  readonly crop: boolean;
  readonly light: boolean;
  readonly colour: boolean;
}

const words = (list: string): string => String.raw`(?<![\p{L}])(?:${list})(?![\p{L}])`;

/** English, German, French and Spanish; Chinese has no spaces between words. */
const SIDES = new RegExp(
  `${words(
    'left(?:most|wards?)?|right(?:most|wards?)?|(?:counter|anti)?-?clockwise|mirror(?:ed)?|east(?:ern)?|west(?:ern)?|facing|' +
      'linke?[nrsm]?|links|rechts|rechte[nrsm]?|gauche|droite?|izquierd[ao]s?|derech[ao]s?',
  )}|[左右东西]`,
  'iu',
);
/** What stands in the picture to be read, or would read otherwise in a mirror. */
const READING = new RegExp(
  `${words(
    'read(?:s|ing)?|says?|writ(?:e|es|ten|ing)|words?|letters?|digits?|numbers?|texts?|signs?|spell(?:s|ed|ing)?|title|caption|label(?:s|ed|led)?|ocr|' +
      'clocks?|time|dates?|logos?|brands?|plates?|arrows?|flags?|maps?|charts?|diagrams?|tables?|liest|steht|schrift|wort|wörter|buchstaben?|ziffern?|zahl(?:en)?|schild(?:er)?|uhr(?:zeit)?',
  )}|[字词读写数号]|文[本件]|钟|箭头`,
  'iu',
);
const COLOURS = new RegExp(
  `${words(
    'colou?r(?:s|ed|ful)?|red(?:dish)?|orange|yellow(?:ish)?|green(?:ish)?|blue(?:ish)?|bluish|purple|violet|pink|brown(?:ish)?|black|white|gr[ae]y|gold(?:en)?|silver|beige|cyan|teal|magenta|turquoise|blond|' +
      'farben?|farbige?[nrsm]?|rote?[nrsm]?|gelbe?[nrsm]?|grüne?[nrsm]?|blaue?[nrsm]?|lila|rosa|braune?[nrsm]?|schwarze?[nrsm]?|weiße?[nrsm]?|graue?[nrsm]?',
  )}|[色红橙黄绿蓝紫粉棕黑白灰]`,
  'iu',
);
const LIGHT = new RegExp(
  `${words('bright(?:er|est|ness)?|dark(?:er|est|ness)?|light(?:er|est|ing)?|day(?:light)?|night|shadows?|sun(?:ny|set|rise)?|dim|hell|dunkel|nacht')}|[亮暗夜]`,
  'iu',
);
/** What a part that is cut off could make untrue. */
const WHOLE = new RegExp(
  `${words(
    'how many|count(?:s|ed|ing)?|number of|only|alone|no|none|all|every|each|both|any|edge|corner|border|background|top|bottom|middle|cent(?:er|re)|upper|lower|side|' +
      '\\d+|two|three|four|five|six|seven|eight|nine|ten|wie viele|anzahl|alle|keine?|rand|ecke|oben|unten|mitte',
  )}|[几多少只每都没无两二三四五六七八九十边角上下中]`,
  'iu',
);

/**
 * What may be done to the pictures of a sample by what is said of them: no mirroring where sides or writing are spoken of, or
 * where there are boxes; colours stay where a colour is named, light where light is; nothing is cut off where things are counted
 * or their place in the picture is told.
 */
export function allowedChanges(sample: Sample): AllowedChanges {
  const parts = sample.conversations.flatMap((turns) => turns.flatMap(({ content }) => content));
  const said = parts.map((part) => (part.type === 'text' ? part.text : ' ')).join('\n');
  const all = [said, ...(sample.captions ?? [])].join('\n');
  const hasBoxes = boxesOf(sample).length > 0;
  const speaksOfSides = SIDES.test(all);
  const reads = READING.test(all);
  return {
    mirror: !speaksOfSides && !reads && !hasBoxes,
    crop: !speaksOfSides && !reads && !WHOLE.test(all),
    light: !COLOURS.test(all) && !LIGHT.test(all),
    colour: !COLOURS.test(all),
  };
}

/** Every sample varied anew each pass, as far as it stays true. Samples of several pictures are not cut. */
export function augmented(source: BlockedSource, options: SampleAugmentation = {}): BlockedSource {
  return withSamples(source, async (index, moment) => {
    const sample = await source.sample(index, moment);
    return augmentSample(sample, sampleRandom(moment.seed, moment.epoch, index).fork('augment'), options);
  });
}

/** A sample with pictures varied by chance, boxes moved along. */
export function augmentSample(sample: Sample, random: Random, options: SampleAugmentation = {}): Sample {
  if (sample.pictures.length === 0) return sample;
  const { mirror = 0.5, crop: cut = 0.08, widen = 0, light = 0.2, colour = 0.1 } = options;
  const allowed = allowedChanges(sample);
  // Drawn whether allowed or not, so that one change does not depend on another.
  const isMirrored = random.uniform() < mirror && allowed.mirror;
  const sides = [0, 0, 0, 0].map(() => random.uniform(0, cut));
  const [contrast, brightness] = [random.uniform(-light, light), random.uniform(-light, light)];
  const gains = [0, 0, 0].map(() => random.uniform(-colour, colour));
  const isWidened = widen > 0 && random.uniform() < 0.5;
  const window: RelativeBox = isWidened ? wider(random, widen) : [sides[0]!, sides[1]!, 1 - sides[2]!, 1 - sides[3]!];
  const isCut =
    allowed.crop &&
    (isWidened || cut > 0) &&
    sample.pictures.length === 1 &&
    boxesOf(sample).every((box) => keeps(window, box));
  const gainsUsed = gains.map((gain) => (1 + (allowed.colour ? gain : 0)) * (1 + (allowed.light ? contrast : 0)));
  const shift = allowed.light ? brightness * 255 : 0;
  const change = (opened: Picture): Picture => {
    let changed = onBackground(opened);
    if (isCut) changed = cropped(changed, window);
    if (isMirrored) changed = mirrored(changed);
    return allowed.light || allowed.colour ? toned(changed, gainsUsed, shift) : changed;
  };
  const varied = {
    ...sample,
    pictures: sample.pictures.map((each) => ({ name: each.name, open: async () => change(await each.open()) })),
  };
  return isCut ? movedBoxes(varied, window) : varied;
}

/** A window around the whole picture, of its shape. */
function wider(random: Random, widen: number): RelativeBox {
  const more = random.uniform(0, widen);
  const [left, top] = [random.uniform(0, more), random.uniform(0, more)];
  return [-left, -top, 1 + more - left, 1 + more - top];
}

function boxesOf({ conversations, regions = [] }: Sample): RelativeBox[] {
  const said = conversations.flatMap((turns) =>
    turns.flatMap(({ content }) => content.flatMap((part) => (part.type === 'box' ? [part.box] : []))),
  );
  return [...said, ...regions.map(({ box }) => box)];
}

const areaOf = ([left, top, right, bottom]: RelativeBox): number =>
  Math.max(0, right - left) * Math.max(0, bottom - top);

/** Whether nearly all of a box stays in the picture. */
function keeps(window: RelativeBox, box: RelativeBox): boolean {
  const within: RelativeBox = [
    Math.max(box[0], window[0]),
    Math.max(box[1], window[1]),
    Math.min(box[2], window[2]),
    Math.min(box[3], window[3]),
  ];
  return areaOf(within) >= 0.9 * areaOf(box);
}

function movedBoxes(sample: Sample, [left, top, right, bottom]: RelativeBox): Sample {
  const clip = (value: number): number => Math.min(1, Math.max(0, value));
  const [width, height] = [right - left, bottom - top];
  const move = (box: RelativeBox): RelativeBox => [
    clip((box[0] - left) / width),
    clip((box[1] - top) / height),
    clip((box[2] - left) / width),
    clip((box[3] - top) / height),
  ];
  const movePart = (part: SamplePart): SamplePart =>
    part.type === 'box' ? { type: 'box', box: move(part.box) } : part;
  return {
    ...sample,
    conversations: sample.conversations.map((turns) =>
      turns.map((turn) => ({ role: turn.role, content: turn.content.map(movePart) })),
    ),
    ...(sample.regions === undefined
      ? {}
      : { regions: sample.regions.map((region) => ({ ...region, box: move(region.box) })) }),
  };
}

/** What a window shows; beyond the picture the pixels of its border. */
function cropped(source: Picture, [left, top, right, bottom]: RelativeBox): Picture {
  const [x, y] = [Math.round(left * source.width), Math.round(top * source.height)];
  const width = Math.max(1, Math.round(right * source.width) - x);
  const height = Math.max(1, Math.round(bottom * source.height) - y);
  return crop(source, x, y, width, height, 'border');
}

function mirrored({ width, height, channels, data }: Picture): Picture {
  const out = picture(width, height, channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        out.data[(y * width + x) * channels + c] = data[(y * width + width - 1 - x) * channels + c]!;
  return out;
}

/** Each colour multiplied around the middle grey, and shifted. */
function toned({ width, height, data }: Picture, gains: readonly number[], shift: number): Picture {
  const tables = gains.map((gain) => Uint8ClampedArray.from({ length: 256 }, (_, v) => (v - 128) * gain + 128 + shift));
  const out = picture(width, height, 3);
  for (let i = 0; i < data.length; i++) out.data[i] = tables[i % 3]![data[i]!]!;
  return out;
}

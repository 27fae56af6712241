import type { Random } from '../../../core/index.ts';
import { colourName, SCENE_COLOURS, type SceneColour } from '../colours.ts';
import { phraseFor, type Phrase, type PhraseForm } from '../phrases.ts';
import { fillIn, inWords, YES_NO, type Asker, type Asking } from '../question.ts';
import type { SceneObject } from '../scene.ts';
import { nameOf } from '../vocabulary.ts';

const WORDINGS = {
  en: {
    open: ['What is the colour of {}?', 'Which colour does {} have?', 'Say the colour of {}.'],
    check: ['Is the colour of {} {}?', 'Does {} look {}?'],
    which: ['What is {} here?', 'Which thing is {}?', 'Name the thing that is {}.'],
  },
  zh: {
    open: ['{}是什么颜色的？', '{}的颜色是什么？', '说出{}的颜色。'],
    check: ['{}是{}的吗？', '{}的颜色是不是{}？'],
    which: ['什么东西是{}的？', '哪样东西是{}的？', '说出{}的东西。'],
  },
} as const;

/** How often questions about things of a colour are kept, so that all colours are asked about alike. */
const KEPT: Readonly<Record<SceneColour, number>> = {
  red: 0.5,
  orange: 0.8,
  yellow: 0.25,
  green: 0.6,
  blue: 0.55,
  purple: 1,
  pink: 1,
  brown: 0.8,
  black: 0.15,
  grey: 0.7,
  white: 1,
};

/** Mostly without the name, which often tells the colour. */
const FORMS: readonly PhraseForm[] = ['place', 'place', 'kind', 'kind', 'size', 'size', 'name'];
const NAMES_COLOUR = new RegExp(`\\b(${SCENE_COLOURS.join('|')}|rainbow|golden|light)\\b`);

/** The colour that clearly prevails in a drawing: asked for, held against another, or what has it. */
export const askColour: Asker = (asking) => {
  const { scene, random } = asking;
  const object = random.pick(scene.objects);
  const { colour } = object;
  if (colour === undefined || random.uniform() >= KEPT[colour]) return undefined;
  const chance = random.uniform();
  if (chance < 0.1) return askWhich(object, colour, asking);
  const phrase = phraseFor(object, random.pick(FORMS), asking);
  if (phrase === undefined) return undefined;
  const isTold = phrase.form === 'name' && NAMES_COLOUR.test(object.concept.wording.en.name);
  if (isTold) return undefined;
  return chance < 0.6 ? askOpen(phrase, colour, asking) : askCheck(phrase, colour, asking);
};

function askOpen(phrase: Phrase, colour: SceneColour, { language, random }: Asking): ReturnType<Asker> {
  const question = fillIn(random.pick<string>(WORDINGS[language].open), phrase.text);
  return inWords('colour', 'open', language, question, colourName(colour, language), {
    options: SCENE_COLOURS.map((other) => colourName(other, language)),
  });
}

function askCheck(phrase: Phrase, colour: SceneColour, { language, random }: Asking): ReturnType<Asker> {
  const isTrue = random.uniform() < 0.5;
  const said = isTrue ? colour : anotherColour(colour, random);
  const question = fillIn(random.pick<string>(WORDINGS[language].check), phrase.text, colourName(said, language));
  return inWords('colour', 'check', language, question, YES_NO[language][isTrue ? 0 : 1], {
    options: YES_NO[language],
  });
}

function anotherColour(colour: SceneColour, random: Random): SceneColour {
  const others = SCENE_COLOURS.filter((other) => other !== colour);
  return random.pick(others);
}

function askWhich(object: SceneObject, colour: SceneColour, { scene, language, random }: Asking): ReturnType<Asker> {
  const others = scene.objects.filter((other) => other !== object);
  if (others.length === 0 || scene.word !== undefined) return undefined;
  if (others.some((other) => other.colour === undefined || other.colour === colour)) return undefined;
  const name = nameOf(object.concept, language);
  const question = fillIn(random.pick<string>(WORDINGS[language].which), colourName(colour, language));
  return inWords('colour', 'which', language, question, name, { names: [name] });
}

/** What `npm start` shows: the starter looks at pictures, and learns from a handful of them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { LanguageModel } from '../../auto/index.ts';
import { loadAdapter, resolveModel } from '../../auto/node/index.ts';
import { DataError } from '../../core/index.ts';
import { formatDuration } from '../../core/node/index.ts';
import { openPicture } from '../../data/node/index.ts';
import {
  boxText,
  type EvaluatedModel,
  evaluatedModel,
  evaluateSuite,
  relativeBox,
  type SuiteAnswer,
} from '../../eval/index.ts';
import { openEmojiScenes } from '../../eval/node/index.ts';
import { writePng } from '../../explain/node/index.ts';
import { lessonRecipe } from '../../recipe/index.ts';
import { lessonPicture, runTuning, writeLesson } from '../../recipe/node/index.ts';
import { ask, ground } from '../../tasks/index.ts';
import { drawBoxes } from '../../tasks/node/index.ts';
import { freshFolder } from '../fresh-folder.ts';
import { savingInterrupt } from '../interrupt.ts';
import { loadLanguageModel } from '../model/load.ts';
import { printable } from '../report-error.ts';
import { type Lessons, ownPictures, SIDE, standing, unseenConcepts } from './teach.ts';

/** How the tour goes. */
export interface TourOptions {
  readonly model: string;
  /** The user's own pictures to look at. */
  readonly image?: readonly string[];
  /** A folder of the user's own labelled pictures to learn from. */
  readonly teach?: string;
  /** Minutes that learning takes. */
  readonly minutes: number;
  /** Ordinary questions before and after. */
  readonly questions: number;
  /** Folder for what is made. */
  readonly out: string;
}

/** What a tour leaves behind. */
export interface TourResult {
  /** Folder of the adapter that was learned, unless learning was interrupted. */
  readonly adapter?: string;
}

/** Questions about made pictures: so many of them that there are three pictures. */
const QUESTIONS = 15;

/** Shows what the model sees, then teaches it something new. Ends with figures, at a terminal and without one. */
export async function tour(options: TourOptions): Promise<TourResult> {
  const began = performance.now();
  const out = freshFolder(options.out);
  await mkdir(out, { recursive: true });
  const model = await loadLanguageModel({ model: options.model });
  let adapter: string | undefined;
  try {
    const { processor } = model.parts;
    if (processor === undefined) throw new DataError(`${options.model} reads no pictures`, 'leave --model out');
    say(
      `${options.model}: a model of pictures and texts that was trained with this package. It knows drawings, not photographs.`,
    );
    const evaluated = evaluatedModel(model);
    await lookAround(evaluated, out);
    for (const [i, source] of (options.image ?? []).entries())
      await lookAt(model, source, join(out, `own-${i + 1}.png`));
    adapter = await learn(model, evaluated, options, out);
  } finally {
    await model.dispose();
  }
  say(`The tour took ${formatDuration((performance.now() - began) / 1000)}; what it made is in ${out}.`);
  return adapter === undefined ? {} : { adapter };
}

/** Captions, answers, boxes and steps on scenes that were made for the tour. */
async function lookAround(model: EvaluatedModel, out: string): Promise<void> {
  const suite = await openEmojiScenes('openmoji', { count: QUESTIONS, names: 1, seed: 2, size: SIDE });
  const { answers } = await evaluateSuite(model, suite, {
    parts: ['captions', 'questions', 'phrases', 'steps'],
  });
  const byPicture = new Map<string, SuiteAnswer[]>();
  for (const answer of answers) {
    const { name } = answer.picture;
    byPicture.set(name, [...(byPicture.get(name) ?? []), answer]);
  }
  for (const [name, about] of byPicture) {
    const picture = await about[0]!.picture.open();
    const path = join(out, `${name}.png`);
    const answered = about.find(({ part }) => part === 'phrases')?.answer;
    const boxes = answered === undefined ? [] : (model.grounding?.read(answered, picture).boxes ?? []);
    await writePng(path, await drawBoxes(picture, boxes));
    say(`\n${path}, drawn by a studio whose pictures it has never seen`);
    for (const { part, question, answer, truth, score } of about) {
      const mark = score >= 0.5 ? '✓' : '✗';
      const said =
        part === 'phrases' ? boxText(boxes.map((box) => relativeBox(box, picture))) || 'no box' : answer.trim();
      say(`  ${mark} ${question}\n      ${said}${score >= 0.5 ? '' : `   (right: ${truth.replaceAll('\n', '; ')})`}`);
    }
  }
  const right = answers.reduce((sum, { score }) => sum + score, 0);
  say(`\nright: ${right.toFixed(0)} of ${answers.length}`);
}

/** A picture of the user's, of which nothing is known. @param path of a picture with a box, where the model can point */
export async function lookAt(model: LanguageModel, source: string, path: string): Promise<void> {
  const picture = await openPicture(source, { allowFetch: true });
  say(`\n${source}`);
  for (const question of ['Describe the picture.', '描述这张图片。', 'How many things are there?'])
    say(`    ${question}\n      ${(await ask(model, question, [picture], { maxNewTokens: 64 })).text.trim()}`);
  if (model.parts.processor?.grounding === undefined) return;
  const { boxes } = await ground(model, picture, 'the largest thing', { maxNewTokens: 64 });
  if (boxes.length === 0) return;
  await writePng(path, await drawBoxes(picture, boxes));
  say(`    where the largest thing is: ${path}`);
}

/** An adapter beside the model, with what it knew before and knows after. @returns its folder */
async function learn(
  model: LanguageModel,
  evaluated: EvaluatedModel,
  { model: name, teach, minutes, questions }: TourOptions,
  out: string,
): Promise<string | undefined> {
  const lessons: Lessons = teach === undefined ? await unseenConcepts(questions) : await ownPictures(teach, questions);
  const { names, taught } = lessons;
  say(`\nNow it learns ${names.length} names from ${taught.length} pictures: ${names.slice(0, 12).join(', ')}.`);
  const before = await standing(evaluated, lessons);
  const data = await writeLesson(join(out, 'lesson'), taught);
  const recipe = lessonRecipe({ from: await resolveModel(name), data, output: join(out, 'teaching'), minutes });
  const interrupt = savingInterrupt(say);
  try {
    const { model: adapter, training } = await runTuning(recipe, { interrupt: interrupt.signal });
    if (adapter === undefined) {
      say(`Interrupted after step ${training.steps}.`);
      process.exitCode = interrupt.exitCode;
      return undefined;
    }
    await model.useAdapters([{ adapter: await loadAdapter(model, adapter), weight: 1 }]);
    const after = await standing(evaluated, lessons);
    const asked = teach === undefined ? 'names, by a studio it has never seen' : 'names of your pictures';
    say(`\n${''.padEnd(40)} before   after ${formatDuration(training.seconds)} of learning`);
    say(row(asked, before.taught, after.taught));
    say(row('ordinary questions', before.ordinary, after.ordinary));
    const given = name === 'starter' ? '' : ` --model ${name}`;
    say(
      `\nAsk it yourself:\n  npx sensorium chat${given} --adapter ${adapter} --image ${join(out, 'lesson', lessonPicture(0))}`,
    );
    say(`Teach it your own: npm start -- --teach FOLDER (cup.png with cup.txt beside it, and so on)`);
    return adapter;
  } finally {
    interrupt.dispose();
  }
}

function row(what: string, before: number, after: number): string {
  return `${what.padEnd(40)} ${before.toFixed(3)}    ${after.toFixed(3)}`;
}

function say(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

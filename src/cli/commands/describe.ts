/** `sensorium caption` and `sensorium vqa`: texts about pictures. */
import type { Command } from 'commander';
import { DataError } from '../../core/index.ts';
import { collect } from '../arguments.ts';
import { printWhole } from '../model/answer.ts';
import { addConstraintOptions, type ConstraintFlags, constraintOptions } from '../model/constraint.ts';
import { loadModel, openPictures } from '../model/load.ts';
import {
  addGenerationOptions,
  addModelOptions,
  type GenerationFlags,
  generationOptions,
  type ModelOptions,
} from '../model/options.ts';

interface DescribeOptions extends ModelOptions, GenerationFlags, ConstraintFlags {
  readonly image: readonly string[];
  readonly json?: boolean;
}

interface QuestionOptions extends DescribeOptions {
  readonly question: string;
  readonly brief?: boolean;
}

const CAPTION_EXAMPLES = `
Examples:
  sensorium caption --model Salesforce/blip-image-captioning-base --image cup.png
  sensorium caption --model HuggingFaceTB/SmolVLM-256M-Instruct --image cup.png --json
`;

const VQA_EXAMPLES = `
Examples:
  sensorium vqa --model Salesforce/blip-vqa-base --image cup.png --question "What is in the cup?"
  sensorium vqa --model HuggingFaceTB/SmolVLM-256M-Instruct --image a.png --image b.png --question "Which is larger?"
`;

/** Both commands. */
export function registerDescribe(program: Command): void {
  const caption = program.command('caption').description('describe a picture');
  addPictures(addConstraintOptions(addGenerationOptions(addModelOptions(caption))))
    .addHelpText('after', CAPTION_EXAMPLES)
    .action(captionAction);
  const vqa = program.command('vqa').description('answer a question about pictures');
  addPictures(addConstraintOptions(addGenerationOptions(addModelOptions(vqa))))
    .requiredOption('-q, --question <text>', 'the question')
    .option('--brief', 'ask for a word or two')
    .addHelpText('after', VQA_EXAMPLES)
    .action(vqaAction);
}

function addPictures(command: Command): Command {
  return command
    .requiredOption('-i, --image <source>', 'a picture by path, address or data URL; may be repeated', collect)
    .option('--json', 'print the answer as JSON, with its tokens and their log-probabilities');
}

async function captionAction(options: DescribeOptions): Promise<void> {
  const pictures = await openPictures(options.image);
  const { caption } = await import('../../tasks/index.ts');
  const model = await loadModel(options);
  try {
    const generation = {
      ...generationOptions(options),
      ...(await constraintOptions(options, model)),
      logProbabilities: options.json === true,
    };
    for (const picture of pictures) printWhole(await caption(model, picture, generation), model, options.json === true);
  } finally {
    await model.dispose();
  }
}

async function vqaAction(options: QuestionOptions): Promise<void> {
  if (options.question.trim() === '') throw new DataError('the question is empty', 'give --question "…"');
  const pictures = await openPictures(options.image);
  const { vqa } = await import('../../tasks/index.ts');
  const model = await loadModel(options);
  try {
    const generation = {
      ...generationOptions(options),
      ...(await constraintOptions(options, model)),
      brief: options.brief === true,
      logProbabilities: options.json === true,
    };
    printWhole(await vqa(model, pictures, options.question, generation), model, options.json === true);
  } finally {
    await model.dispose();
  }
}

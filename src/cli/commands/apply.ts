import process from 'node:process';
import { type Command, Option } from 'commander';
import type { Language } from '../../applications/index.ts';
import { DataError } from '../../core/index.ts';
import { loadLanguageModel, openPictures } from '../model/load.ts';
import {
  addGenerationOptions,
  addModelOptions,
  type GenerationFlags,
  generationOptions,
  type ModelOptions,
} from '../model/options.ts';
import { printable } from '../report-error.ts';

interface ApplyOptions extends ModelOptions, GenerationFlags {
  readonly image?: string;
  readonly text?: string;
  readonly sample?: boolean;
  readonly language: Language;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  sensorium apply                                          list the applications
  sensorium apply support --model HuggingFaceTB/SmolVLM-256M-Instruct --image parcel.jpg --text "The mug is broken."
  sensorium apply driving --model HuggingFaceTB/SmolVLM-500M-Instruct --sample
  sensorium apply medical --model ./my-model --adapter runs/applications/medical/adapter --image scan.png --json

recipes/applications/ holds a recipe for each, which adapts a model to it by your own labelled pictures.
`;

/** `sensorium apply`. */
export function registerApply(program: Command): void {
  const command = program
    .command('apply')
    .summary('use a model for one of five applications')
    .description(
      'Asks a model about a picture for one of five applications: customer support, education, a medical report draft,\n' +
        'a design brief from a sketch, a driving scene. The answer always has the form of the application.',
    )
    .argument('[application]', 'its name; without one they are listed');
  addGenerationOptions(addModelOptions(command))
    .option('-i, --image <source>', 'a picture by path, address or data URL')
    .option('-t, --text <text>', 'what you add to the picture')
    .option('--sample', 'use the picture and text that come along')
    .addOption(new Option('--language <name>', 'language of the request').choices(['en', 'zh']).default('en'))
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(applyAction);
}

async function applyAction(id: string | undefined, options: ApplyOptions): Promise<void> {
  const { APPLICATIONS, apply, applicationOf, readable } = await import('../../applications/index.ts');
  const { language, json = false } = options;
  if (id === undefined) {
    const rows = APPLICATIONS.map(({ id: name, title, description }) => ({
      id: name,
      title: title[language],
      description: description[language],
    }));
    const list = rows.map((row) => `${row.id.padEnd(10)} ${row.title}\n${''.padEnd(11)}${row.description}`).join('\n');
    process.stdout.write(json ? `${JSON.stringify(rows)}\n` : `${list}\n`);
    return;
  }
  const application = applicationOf(id);
  const sampled = options.sample === true;
  if (!sampled && options.image === undefined)
    throw new DataError('there is no picture', 'give --image FILE, or --sample for one that comes along');
  const { samplePath } = await import('../../applications/node/index.ts');
  const [picture] = await openPictures([options.image ?? samplePath(application)]);
  const text = options.text ?? (sampled ? application.sample.text[language] : undefined);
  const model = await loadLanguageModel(options);
  try {
    const applied = await apply(model, application, { picture: picture!, text, language }, generationOptions(options));
    const { warning } = application;
    const shown = { ...applied, ...(warning === undefined ? {} : { warning: warning[language] }) };
    process.stdout.write(json ? `${JSON.stringify(shown)}\n` : `${printable(readable(application, applied))}\n`);
  } finally {
    await model.dispose();
  }
}

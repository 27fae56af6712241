import type { Command } from 'commander';
import { registerConvert } from './data/convert.ts';
import { registerDuplicates } from './data/duplicates.ts';
import { registerFilter } from './data/filter.ts';
import { registerInspect } from './data/inspect.ts';
import { registerSynth } from './data/synth.ts';

const EXAMPLES = `
Examples:
  sensorium data inspect train.jsonl                       look at samples, in the terminal
  sensorium data inspect train.jsonl --html samples.html   and as a page
  sensorium data convert captions/ --to llava --out out    read one format, write another
  sensorium data synth --out scenes --count 1000           make pictures with questions and answers
`;

/** `sensorium data`: one sub-command a file under `data/`. */
export function registerData(program: Command): void {
  const data = program
    .command('data')
    .description('look at training data, convert, filter and make them')
    .addHelpText('after', EXAMPLES);
  registerInspect(data);
  registerConvert(data);
  registerFilter(data);
  registerDuplicates(data);
  registerSynth(data);
}

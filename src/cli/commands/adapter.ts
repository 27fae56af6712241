/** `sensorium adapter merge`. */
import process from 'node:process';
import type { Command } from 'commander';
import { printable } from '../report-error.ts';
import { adapterFolder } from '../model/options.ts';

interface MergeOptions {
  readonly out: string;
  readonly overwrite?: boolean;
}

const EXAMPLES = `
Examples:
  sensorium adapter merge ./SmolVLM-256M-Instruct ./my-adapter --out ./merged
  sensorium adapter merge ./Qwen3-0.6B ./style=0.5 ./facts --out ./merged

Without merging, an adapter is used with --adapter: sensorium chat --model ./SmolVLM-256M-Instruct --adapter ./my-adapter
`;

export function registerAdapter(program: Command): void {
  const command = program
    .command('adapter')
    .description('adapters of low rank (LoRA, rsLoRA, DoRA) in the form of PEFT');
  command
    .command('merge')
    .argument('<base>', 'folder of the model that they were trained on')
    .argument('<adapters...>', 'folders of adapters, each as FOLDER, or FOLDER=0.5 to count half')
    .description("write a model that holds its adapters' changes and needs them no more")
    .requiredOption('-o, --out <folder>', 'folder to be made')
    .option('--overwrite', 'replace a model that is there')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(mergeAction);
}

async function mergeAction(base: string, folders: readonly string[], { out, overwrite }: MergeOptions): Promise<void> {
  const { mergeAdapters } = await import('../../auto/node/index.ts');
  const { layers } = await mergeAdapters(base, folders.map(adapterFolder), out, { overwrite: overwrite === true });
  process.stdout.write(`${layers} layers changed, in ${printable(out)}\n`);
}

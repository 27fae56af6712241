import { Command } from 'commander';
import { registerAdapter } from './commands/adapter.ts';
import { registerApply } from './commands/apply.ts';
import { registerBench } from './commands/bench.ts';
import { registerChat } from './commands/chat.ts';
import { registerCompare } from './commands/compare.ts';
import { registerData } from './commands/data.ts';
import { registerDescribe } from './commands/describe.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEval } from './commands/eval.ts';
import { registerExplain } from './commands/explain.ts';
import { registerGround } from './commands/ground.ts';
import { registerPredict } from './commands/predict.ts';
import { registerServe } from './commands/serve.ts';
import { registerStart } from './commands/start.ts';
import { registerTrain } from './commands/train.ts';
import { packageVersion } from './package.ts';

const EXAMPLES = `
Examples:
  sensorium doctor                                     what is installed, and which devices work
  sensorium train recipes/emoji-statements-quick.yaml  train a model by a recipe
  sensorium predict --model runs/emoji-statements-quick/model --image cat.png --text "This is a cat."
  sensorium chat --model HuggingFaceTB/SmolVLM-256M-Instruct --image cup.png
  sensorium serve                                      answer over HTTP, as OpenAI's interface has it
  sensorium bench                                      list the measurements that can be made

Every command explains itself: sensorium predict --help
`;

/** All commands. Errors are thrown, never printed with a stack. */
export function createProgram(): Command {
  const program = new Command('sensorium')
    .description('Train multimodal models and use them, without Python.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .helpCommand('help [command]', 'explain a command')
    .showSuggestionAfterError(true)
    .addHelpText('after', EXAMPLES)
    .configureHelp({ sortSubcommands: false })
    .exitOverride();
  registerTrain(program);
  registerAdapter(program);
  registerPredict(program);
  registerChat(program);
  registerDescribe(program);
  registerGround(program);
  registerExplain(program);
  registerServe(program);
  registerCompare(program);
  registerApply(program);
  registerData(program);
  registerEval(program);
  registerDoctor(program);
  registerBench(program);
  registerStart(program);
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`(sensorium ${command.name()} --help explains it)`);
  return program;
}

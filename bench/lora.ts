import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quantizeCheckpoint } from '../src/hub/node/index.ts';
import { Peer } from './peer.ts';
import { type BenchOptions, type Figure, median } from './types.ts';
import { writeRandomCheckpoint } from './workloads/smolvlm.ts';

export const description =
  "One step of LoRA on SmolVLM-256M's shape, 512 tokens with a picture, beside PEFT on PyTorch; QLoRA's memory";

interface Side {
  readonly name: string;
  readonly peer: Peer;
  readonly seconds: number[];
  readonly cpu: number[];
}

/**
 * Rank 8 on all seven products of the decoder's layers, float32. Every side takes one step a round. Where other processes
 * use the processors, the seconds of processor time say more than those of the clock.
 */
export async function* run(options: BenchOptions): AsyncGenerator<Figure> {
  const { threads, python, rounds } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'sensorium-lora-'));
  const sides: Side[] = [];
  try {
    const [fp32, int4] = [join(scratch, 'fp32'), join(scratch, 'int4')];
    await writeRandomCheckpoint(fp32);
    await quantizeCheckpoint(fp32, int4, { modules: { vision_model: 'int4', connector: 'int4' } });
    const worker = fileURLToPath(new URL('./lora-worker.js', import.meta.url));
    const start = async (name: string, command: string, args: readonly string[]): Promise<Side> => {
      const side = { name, peer: await Peer.start(command, args, threads), seconds: [], cpu: [] };
      sides.push(side);
      return side;
    };
    const own = (name: string, folder: string, recompute: string): Promise<Side> =>
      start(name, process.execPath, [worker, folder, String(threads), recompute]);
    const lora = await own('LoRA', fp32, 'attention');
    let peft: Side | undefined;
    let missing = 'give --python a Python that has torch, transformers and peft';
    if (python !== undefined) {
      const script = fileURLToPath(new URL('../../bench/peers/torch_lora.py', import.meta.url));
      try {
        peft = await start('PEFT on PyTorch', python, [script, fp32, '--threads', String(threads)]);
      } catch (error) {
        missing = (error as Error).message;
      }
    }
    // What opening took is left out.
    for (const { peer } of sides) await peer.ask('reset');
    for (let round = 0; round < rounds; round++) for (const side of sides) await step(side);
    const memory = await lora.peer.peakBytes();
    const compared = (name: string, value: number, unit: string, other: number | undefined): Figure =>
      other === undefined
        ? { name, value, unit, peer: 'PEFT on PyTorch', note: `left out: ${missing}` }
        : { name, value, unit, peer: 'PEFT on PyTorch', peerValue: other, ratio: other / value };
    yield compared('LoRA, step', median(lora.seconds), 's', peft && median(peft.seconds));
    yield compared('LoRA, processor time of a step', median(lora.cpu), 's', peft && median(peft.cpu));
    const peerMemory = peft && (await peft.peer.peakBytes());
    yield compared('LoRA, peak memory', memory / MEBI, 'MiB', peerMemory && peerMemory / MEBI);
    for (const { peer } of sides.splice(0)) peer.stop();

    for (const recompute of ['attention', 'layers']) {
      const qlora = await own('QLoRA', int4, recompute);
      await qlora.peer.ask('reset');
      await step(qlora);
      const bytes = await qlora.peer.peakBytes();
      yield {
        name: `QLoRA, recomputing ${recompute}`,
        value: bytes / MEBI,
        unit: 'MiB',
        peer: 'LoRA',
        peerValue: memory / MEBI,
        ratio: memory / bytes,
        note: `step ${qlora.seconds[0]!.toFixed(1)} s, ${qlora.cpu[0]!.toFixed(1)} s of processor time`,
      };
      sides.splice(0);
      qlora.peer.stop();
    }
  } finally {
    for (const { peer } of sides) peer.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

const MEBI = 2 ** 20;

async function step({ peer, seconds, cpu }: Side): Promise<void> {
  const result = await peer.ask('step 1');
  seconds.push(result['seconds'] as number);
  cpu.push(result['cpu'] as number);
}

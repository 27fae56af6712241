import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointError, hostTensor, Random } from '../../../../src/core/index.ts';
import type { HostTensor } from '../../../../src/core/index.ts';
import { encodeSafetensors } from '../../../../src/hub/safetensors.ts';
import {
  readSafetensors,
  SafetensorsFile,
  tensorSources,
  writeSafetensors,
} from '../../../../src/hub/node/safetensors-file.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

function samples(): Map<string, HostTensor> {
  const random = new Random(7);
  return new Map<string, HostTensor>([
    [
      'layer.weight',
      hostTensor(
        'float32',
        [16, 8],
        Float32Array.from({ length: 128 }, () => random.normal()),
      ),
    ],
    [
      'layer.bias',
      hostTensor(
        'float32',
        [16],
        Float32Array.from({ length: 16 }, () => random.normal()),
      ),
    ],
    ['steps', hostTensor('int64', [], BigInt64Array.of(12n))],
    ['mask', hostTensor('bool', [3], Uint8Array.of(0, 1, 0))],
  ]);
}

describe('writing and reading', () => {
  it('streams the same bytes that the encoder in memory makes', async () => {
    const path = join(folder, 'a.safetensors');
    await writeSafetensors(path, tensorSources(samples()), { format: 'pt' });
    expect(new Uint8Array(readFileSync(path))).toEqual(encodeSafetensors(samples(), { format: 'pt' }));
    expect(await readSafetensors(path)).toEqual(new Map([...samples()].sort(([a], [b]) => order(a) - order(b))));
  });

  it('reads one tensor by its range', async () => {
    const path = join(folder, 'b.safetensors');
    await writeSafetensors(path, tensorSources(samples()));
    const file = await SafetensorsFile.open(path);
    expect(await file.read('layer.bias')).toEqual(samples().get('layer.bias'));
    await expect(file.read('other.bias')).rejects.toThrow(/no tensor named other.bias/);
    await file.close();
  });

  it('asks for one tensor at a time', async () => {
    let open = 0;
    const sources = tensorSources(samples()).map((source) => ({
      ...source,
      read: async () => {
        expect(open++).toBe(0);
        await new Promise((done) => setTimeout(done, 1));
        open--;
        return source.read();
      },
    }));
    await writeSafetensors(join(folder, 'c.safetensors'), sources);
  });

  it('leaves the old file, and nothing else, when a source fails or lies', async () => {
    const place = join(folder, 'failing');
    mkdirSync(place);
    const path = join(place, 'd.safetensors');
    await writeSafetensors(path, tensorSources(samples()));
    const before = readFileSync(path);
    const failing = { name: 'x', dtype: 'int8', shape: [1], read: () => Promise.reject(new Error('gone')) } as const;
    await expect(writeSafetensors(path, [...tensorSources(samples()), failing])).rejects.toThrow('gone');
    const lying = { name: 'x', dtype: 'int8', shape: [1], read: () => hostTensor('int8', [2]) } as const;
    await expect(writeSafetensors(path, [lying])).rejects.toThrow(CheckpointError);
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(place)).toEqual(['d.safetensors']);
  });
});

describe('files that cannot be used', () => {
  it('absent, folders, pipes', async () => {
    await expect(SafetensorsFile.open(join(folder, 'nowhere.safetensors'))).rejects.toThrow(/is not there/);
    await expect(SafetensorsFile.open(folder)).rejects.toThrow(/is not a file/);
    if (process.platform === 'win32') return;
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(SafetensorsFile.open(join(folder, 'pipe'))).rejects.toThrow(/is not a file/);
  });

  it('every truncation', async () => {
    const path = join(folder, 'cut.safetensors');
    const bytes = encodeSafetensors(samples(), { format: 'pt' });
    const headerEnd = bytes.length - 128 * 4 - 16 * 4 - 8 - 3;
    const lengths = [0, 1, 7, 8, 9, 100, headerEnd - 1, headerEnd, headerEnd + 1, headerEnd + 8, bytes.length - 1];
    for (const length of lengths) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(readSafetensors(path), `${length} bytes`).rejects.toThrow(CheckpointError);
    }
  });

  it('a file that becomes shorter while it is open', async () => {
    const path = join(folder, 'shrinking.safetensors');
    await writeSafetensors(path, tensorSources(samples()));
    const file = await SafetensorsFile.open(path);
    truncateSync(path, 600);
    await expect(file.readAll()).rejects.toThrow(/the file ends at byte/);
    await file.close();
  });

  it('200 mutated files: a typed error, or the announced tensors', async () => {
    const random = new Random(11);
    const original = encodeSafetensors(samples(), { format: 'pt' });
    const path = join(folder, 'mutated.safetensors');
    let refused = 0;
    for (let round = 0; round < 200; round++) {
      const bytes = original.slice(0, random.uniform() < 0.3 ? random.integer(original.length) : original.length);
      for (let i = 0; i < 3 && bytes.length > 0; i++)
        bytes[random.integer(Math.min(bytes.length, 500))] = random.integer(256);
      writeFileSync(path, bytes);
      const outcome = await readSafetensors(path).catch((error: unknown) => error);
      if (outcome instanceof Map) continue;
      expect(outcome).toBeInstanceOf(CheckpointError);
      expect((outcome as Error).message).toContain(path);
      refused++;
    }
    expect(refused).toBeGreaterThan(100);
  });

  it('a header that claims gigabytes needs no memory', async () => {
    const path = join(folder, 'claims.safetensors');
    const bytes = new Uint8Array(64);
    new DataView(bytes.buffer).setBigUint64(0, 1n << 40n, true);
    writeFileSync(path, bytes);
    const before = process.memoryUsage().arrayBuffers;
    await expect(readSafetensors(path)).rejects.toThrow(/does not fit/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});

/** Order in the file: larger elements first, then by name. */
function order(name: string): number {
  return ['steps', 'layer.bias', 'layer.weight', 'mask'].indexOf(name);
}

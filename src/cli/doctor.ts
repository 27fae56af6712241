import { existsSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { hostTensor, SensoriumError } from '../core/index.ts';
import { input, matmul } from '../graph/index.ts';
import { lower } from '../onnx/index.ts';
import { createRuntime, listDevices, type NodeDevice } from '../runtime/node/index.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  /** `absent` things are not needed for the rest to work. */
  readonly state: 'ok' | 'absent' | 'broken';
  readonly detail: string;
  /** What to do. */
  readonly hint?: string;
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Looks at everything that Sensorium stands on. Takes some seconds, mostly for the drivers of GPUs. */
export async function examine(): Promise<Finding[]> {
  const findings: Finding[] = [nodeFinding(), machineFinding(), memoryFinding(), await sharpFinding()];
  for (const { device, available, detail } of await listDevices()) {
    findings.push(
      available ? await tryDevice(device) : { name: `device ${device}`, state: 'absent', detail: plainReason(detail) },
    );
  }
  findings.push(chromiumFinding());
  return findings;
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const detail = `${process.versions.node}, ${process.platform} ${process.arch}`;
  if (major > 20 || (major === 20 && minor >= 19)) return { name: 'Node', state: 'ok', detail };
  return { name: 'Node', state: 'broken', detail, hint: 'install Node 20.19 or newer from https://nodejs.org' };
}

function machineFinding(): Finding {
  const detail = `${availableParallelism()} usable, ${cpus()[0]?.model.trim() ?? 'of an unknown kind'}`;
  return { name: 'CPU cores', state: 'ok', detail };
}

function memoryFinding(): Finding {
  // Inside a container its limit counts, not the machine's memory; 0 where there is none.
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const detail = `${gib(total)}, of which ${gib(Math.min(freemem(), total))} free`;
  if (total >= 2 * 2 ** 30) return { name: 'memory', state: 'ok', detail };
  return { name: 'memory', state: 'broken', detail, hint: 'training the smallest recipe takes about 2 GiB' };
}

async function sharpFinding(): Promise<Finding> {
  try {
    const { default: sharp } = await import('sharp');
    return {
      name: 'pictures',
      state: 'ok',
      detail: `sharp ${sharp.versions.sharp ?? '?'}, libvips ${sharp.versions.vips}`,
    };
  } catch (error) {
    const detail = `sharp cannot be loaded: ${firstLine(error)}`;
    return { name: 'pictures', state: 'broken', detail, hint: 'run `npm ci` again, with optional dependencies' };
  }
}

/** Multiplies two small matrices and checks the result. */
async function tryDevice(device: NodeDevice): Promise<Finding> {
  const name = `device ${device}`;
  try {
    const started = performance.now();
    const runtime = await createRuntime({ device });
    const graph = lower(
      { c: matmul(input('a', 'float32', [2, 2]), input('b', 'float32', [2, 2])) },
      { device: device === 'webgpu' ? 'webgpu' : 'cpu' },
    );
    const program = await runtime.compile(graph);
    const matrix = (values: number[]) => hostTensor('float32', [2, 2], Float32Array.from(values));
    const a = await runtime.allocate('float32', [2, 2], matrix([1, 2, 3, 4]));
    const b = await runtime.allocate('float32', [2, 2], matrix([5, 6, 7, 8]));
    const { c } = await program.run({ a, b });
    const found = [...((await c!.read()).data as Float32Array)].join();
    if (found !== '19,22,43,50') throw new Error(`a product of matrices came out as [${found}]`);
    const ways = { 'c-api': 'C API', binding: 'JavaScript binding', web: 'web build' } as const;
    const milliseconds = (performance.now() - started).toFixed(0);
    const detail = `${runtime.version} by its ${ways[runtime.backend]}, ${runtime.threads} threads; a test program ran (${milliseconds} ms)`;
    program.dispose();
    // A GPU's last session is left open: releasing it ends the device for the whole process.
    if (device === 'cpu') await runtime.dispose();
    return { name, state: 'ok', detail };
  } catch (error) {
    const hint = error instanceof SensoriumError && error.hint !== undefined ? { hint: error.hint } : {};
    return {
      name,
      state: device === 'cpu' ? 'broken' : 'absent',
      detail: `does not work: ${firstLine(error)}`,
      ...hint,
    };
  }
}

/** Only tests in a browser need it. */
function chromiumFinding(): Finding {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'chrome.exe'];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/snap/bin'].filter(
    (folder) => folder !== '',
  );
  const applications = ['Chromium', 'Google Chrome'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  const places = [
    ...[process.env['CHROME_PATH'], process.env['CHROMIUM_PATH']].filter((path) => path !== undefined),
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
    ...applications,
  ];
  const found = places.find((path) => path !== '' && existsSync(path));
  if (found !== undefined) return { name: 'Chromium', state: 'ok', detail: `${found} (for tests in a browser)` };
  return { name: 'Chromium', state: 'absent', detail: 'not found; only tests in a browser need it' };
}

/** Without the engine's own file names and conditions. */
function plainReason(detail: string): string {
  return detail.replace(/ONNX Runtime: \/\S+ .* was false\. /, '');
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 300);
}

/** Finds what the browser and WebGPU tests need: Chromium, and Vulkan with a device, real or in software. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

const PLACES = [
  '/usr/bin/chromium',
  '/usr/lib/chromium/chromium',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** Chromium's software Vulkan device, as Debian packages it. Mesa's lavapipe is refused by ONNX Runtime's WebGPU. */
const SOFTWARE_DEVICE = '/usr/lib/chromium/vk_swiftshader_icd.json';

/**
 * Path of a Chromium, or undefined. `CHROME_PATH` goes first.
 * @returns {string | undefined}
 */
export function findChromium() {
  const named = process.env.CHROME_PATH;
  if (named !== undefined && named !== '' && existsSync(named)) return named;
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...PLACES, ...onPath].find((path) => existsSync(path));
}

/**
 * Whether Vulkan's loader is installed, without which Node has no WebGPU on Linux. Elsewhere it is not needed.
 * @returns {boolean}
 */
export function hasVulkan() {
  if (process.platform !== 'linux') return true;
  const places = ['/usr/lib', '/usr/lib64', '/lib', ...['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu`)];
  if (places.some((folder) => existsSync(join(folder, 'libvulkan.so.1')))) return true;
  const listed = spawnSync('ldconfig', ['-p'], { encoding: 'utf8' });
  return listed.status === 0 && listed.stdout.includes('libvulkan.so.1');
}

/**
 * The file that `VK_ICD_FILENAMES` should name so that WebGPU runs in software, or undefined where there is none.
 * @returns {string | undefined}
 */
export function findSoftwareDevice() {
  return existsSync(SOFTWARE_DEVICE) ? SOFTWARE_DEVICE : undefined;
}

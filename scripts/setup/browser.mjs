/** Finds what the browser and WebGPU tests need: Chromium (with its software device for Vulkan) and Vulkan's loader. */
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

/**
 * Path of a Chromium, or undefined. `CHROME_PATH` or `CHROMIUM_PATH` goes first.
 * @returns {string | undefined}
 */
export function findChromium() {
  const named = process.env.CHROME_PATH || process.env.CHROMIUM_PATH;
  if (named && existsSync(named)) return named;
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

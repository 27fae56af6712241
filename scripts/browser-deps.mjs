/**
 * Looks for Chromium and Vulkan, which the browser and WebGPU tests need, and installs them where that can be done
 * without asking: as root on Debian and its relatives. Elsewhere those tests are skipped, and this says so.
 * Never fails: the other tests do not need them. `SENSORIUM_BROWSER_TESTS=0` turns it off.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findChromium, hasVulkan } from './setup/browser.mjs';

const PACKAGES = ['chromium', 'libvulkan1'];

function missing() {
  return [findChromium() === undefined ? 'Chromium' : '', hasVulkan() ? '' : 'the Vulkan loader'].filter(Boolean);
}

function say(text) {
  process.stderr.write(`[setup] ${text}\n`);
}

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', args, { env, stdio: ['ignore', 2, 2], timeout: 600_000 }).status === 0;
}

if (process.env.SENSORIUM_BROWSER_TESTS !== '0' && missing().length > 0) {
  const debian = existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
  if (debian && process.getuid?.() === 0) {
    say(
      `${missing().join(' and ')} not found: installing ${PACKAGES.join(' and ')} for the browser and WebGPU tests …`,
    );
    const install = ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES];
    // The list of packages may be old or absent; fetch it only then.
    if (!apt(...install) && !(apt('update', '-qq') && apt(...install))) say('The installation failed; see above.');
  }
  if (missing().length > 0) {
    const remedy = debian ? `apt-get install ${PACKAGES.join(' ')}` : 'install Chromium, or set CHROME_PATH to it';
    say(`${missing().join(' and ')} not found: tests that need it are skipped. Remedy: ${remedy}`);
  }
}

/**
 * Everything that a fresh clone needs before its first command: dependencies and the build, each only when missing or
 * stale. Uses Node built-ins alone, because nothing is installed yet. `npm start` and `npm test` call it;
 * with `--dependencies` it leaves the build out.
 *
 * This file is kept to syntax that old releases of Node can read, so that they get to print the message below.
 */
const OLDEST = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  console.error(
    `Sensorium needs Node.js ${OLDEST.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      '  → Install a current release from https://nodejs.org, or switch with your version manager (for example: nvm install 22).',
  );
  process.exit(1);
}

import('./setup/steps.mjs')
  .then((steps) => (process.argv.includes('--dependencies') ? steps.installDependencies() : steps.setUp()))
  .catch((error) => {
    console.error(`Set-up failed: ${error.message}`);
    process.exit(1);
  });

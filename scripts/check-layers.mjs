/**
 * Keeps the seams of the source: imports go downwards only, Node's modules stay in folders named `node`, the engine is
 * imported by the runtime alone, models do not know each other, files stay short. The table is `layers.json`.
 *
 *     node scripts/check-layers.mjs [ROOT]
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * Finds what a TypeScript source imports: `import`, `export … from`, `import()`, `import('…').Type`, `require()` and
 * `new URL('…', import.meta.url)` (how workers are named).
 * @param {string} text
 * @returns {{ specifier: string, line: number, kind: 'static' | 'type' | 'dynamic' }[]}
 */
export function findImports(text) {
  // Comments are blanked, not removed, so that line numbers stay. Only comments at the start of a line matter here.
  const blanked = text
    .replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/^[ \t]*\/\/.*$/gm, '');
  const clause = String.raw`(?:\*(?:\s+as\s+[\w$]+)?|[\w$]+)?\s*,?\s*(?:\*\s+as\s+[\w$]+|\{[^}]*\})?`;
  const patterns = [
    new RegExp(
      String.raw`^[ \t]*(?:import|export)\b(\s+type\b(?!\s+from))?\s*${clause}\s*from\s*(['"])([^'"]+)\2`,
      'gm',
    ),
    /^[ \t]*import()\s*(['"])([^'"]+)\2/gm,
    /\bimport()\s*\(\s*(['"`])([^'"`]+)\2/g,
    /\brequire()\s*\(\s*(['"])([^'"]+)\2\s*\)/g,
    /\bnew\s+URL()\s*\(\s*(['"`])([^'"`]+)\2\s*,\s*import\.meta\.url/g,
  ];
  return patterns
    .flatMap((pattern, i) =>
      [...blanked.matchAll(pattern)].map((match) => ({
        specifier: match[3],
        line: blanked.slice(0, match.index + match[0].length).split('\n').length,
        kind: i > 1 ? 'dynamic' : match[1] ? 'type' : 'static',
      })),
    )
    .sort((a, b) => a.line - b.line);
}

/** Every layer with all that it may import, directly or through the layers it names. */
function closure(layers) {
  const reach = new Map();
  const visit = (name, trail) => {
    if (trail.includes(name)) throw new Error(`layers.json: a circle: ${[...trail, name].join(' → ')}`);
    if (reach.has(name)) return reach.get(name);
    if (layers[name] === undefined) throw new Error(`layers.json: no layer named ${name}`);
    const found = new Set([name]);
    for (const below of layers[name]) for (const each of visit(below, [...trail, name])) found.add(each);
    reach.set(name, found);
    return found;
  };
  for (const name of Object.keys(layers)) visit(name, []);
  return reach;
}

function matches(pattern, name) {
  return pattern.endsWith('*')
    ? name.startsWith(pattern.slice(0, -1))
    : name === pattern || name.startsWith(`${pattern}/`);
}

/**
 * Checks every source under `root/src`.
 * @param {string} root
 * @param {object} table the contents of layers.json
 * @returns {string[]} one line for each violation, `file:line: what`
 */
export function checkLayers(root, table = JSON.parse(readFileSync(join(HERE, 'layers.json'), 'utf8'))) {
  const reach = closure(table.layers);
  const problems = [];
  for (const file of sources(join(root, 'src'))) {
    const path = relative(root, file).split(sep).join('/');
    const folders = path.split('/').slice(1, -1);
    const layer = folders[0];
    const text = readFileSync(file, 'utf8');
    const report = (line, what) => problems.push(`${path}:${line}: ${what}`);

    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    const generated = folders.includes('generated') || path.endsWith('.generated.ts');
    if (lines > table.maxLines && !generated) {
      report(lines, `${lines} lines; ${table.maxLines} is where to stop and split`);
    }
    if (layer !== undefined && !reach.has(layer)) {
      report(1, `the folder src/${layer} is not in scripts/layers.json; add it with what it may import`);
      continue;
    }
    const onNode =
      folders.some((each) => table.nodeFolders.includes(each)) ||
      table.nodeLayers.includes(layer) ||
      (table.nodeFiles ?? []).includes(path);

    for (const { specifier, line, kind } of findImports(text)) {
      if (specifier.startsWith('.')) checkRelative(specifier, line, kind);
      else checkPackage(specifier, line);
    }

    function checkPackage(specifier, line) {
      const name = builtinModules.includes(specifier.split('/')[0]) ? `node:${specifier}` : specifier;
      if (!onNode && table.nodePackages.some((pattern) => matches(pattern, name))) {
        report(line, `imports ${specifier}, which browsers do not have; move it to a folder named node`);
      }
      for (const [pattern, homes] of Object.entries(table.homes)) {
        if (matches(pattern, name) && !homes.includes(layer)) {
          report(line, `imports ${specifier}, which only src/${homes.join(' and src/')} may`);
        }
      }
    }

    function checkRelative(specifier, line, kind) {
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      const to = target.split('/');
      if (target === 'package.json') return;
      if (to[0] !== 'src') {
        report(line, `imports ${target}, outside src`);
        return;
      }
      const toLayer = to.length > 2 ? to[1] : undefined;
      if (layer !== undefined && toLayer === undefined) {
        report(line, `imports ${target}, the entry above all layers`);
        return;
      }
      if (layer !== undefined && !reach.get(layer).has(toLayer)) {
        report(line, `${layer} imports ${toLayer} (${target}); imports go downwards only, see scripts/layers.json`);
      }
      const shared = table.siblings[layer];
      if (shared !== undefined && toLayer === layer && to.length > 3 && folders.length > 1) {
        const [from, other] = [folders[1], to[2]];
        if (from !== other && !shared.includes(other)) {
          report(line, `${layer}/${from} imports ${layer}/${other}; share through ${layer}/${shared[0]}`);
        }
      }
      if (table.publicOnly.includes(layer) && toLayer !== layer && posix.basename(target, '.ts') !== 'index') {
        report(line, `${layer} imports ${target}; only the index.ts of a folder is its public entry`);
      }
      if (!onNode && kind === 'static' && to.slice(2, -1).some((each) => table.nodeFolders.includes(each))) {
        report(line, `imports ${target}, which needs Node, into a file that browsers load`);
      }
    }
  }
  return problems;
}

function sources(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.[cm]?[tj]sx?$/.test(entry.name) ? [path] : [];
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const problems = checkLayers(resolve(process.argv[2] ?? join(HERE, '..')));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) {
    console.error(`${problems.length} broken seam${problems.length === 1 ? '' : 's'}`);
    process.exitCode = 1;
  }
}

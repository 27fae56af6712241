/** Models of the Hugging Face Hub, into the cache that the other tools of that ecosystem share. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { fetchFile, type RemoteFile } from './fetch-file.ts';
import { asCheckpointError } from './file-errors.ts';
import { INDEX_FILE, WEIGHTS_FILE } from './weights.ts';

export interface FetchOptions {
  /** Branch, tag or commit; `main` by default. */
  readonly revision?: string;
  /** For models that are not public; `HF_TOKEN` by default. */
  readonly token?: string | undefined;
  /** Use the cache alone; `HF_HUB_OFFLINE` by default. */
  readonly offline?: boolean;
  readonly progress?: (file: string, received: number, size: number) => void;
  /** `process.env` by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const NAME = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/;
const REVISION = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*){0,4}$/;
const COMMIT = /^[0-9a-f]{40}$/;
/** In the first folder only: what lies deeper is for other engines. */
const NEEDED = /^[A-Za-z0-9][\w.-]*\.(json|jinja|txt|model|safetensors)$/;
const MAX_ENTRIES = 20_000;

const entrySchema = z.looseObject({
  type: z.string(),
  path: z.string(),
  size: z.int().min(0),
  oid: z.string().regex(COMMIT),
  lfs: z.looseObject({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().min(0) }).optional(),
});
type Entry = z.infer<typeof entrySchema>;

/**
 * Fetches what is needed of a model, unless it is in the cache.
 * @param name `owner/name`
 * @returns the folder, for `openCheckpoint`
 * @throws CheckpointError when it cannot be had or a file's hash is another than the Hub's
 */
export async function fetchModel(name: string, options: FetchOptions = {}): Promise<string> {
  const environment = options.environment ?? process.env;
  const revision = options.revision ?? 'main';
  check(NAME.test(name) && !name.includes('..'), `${quote(name)} is not the name of a model`, 'write owner/name');
  check(REVISION.test(revision) && !revision.includes('..'), `${quote(revision)} is not a revision`, 'name a branch');
  const folder = join(cacheFolder(environment), `models--${name.replace('/', '--')}`);
  const offline = options.offline ?? /^(1|true|yes|on)$/i.test(environment['HF_HUB_OFFLINE'] ?? '');
  if (offline) return cachedSnapshot(folder, name, revision);
  const endpoint = (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '');
  const token = options.token ?? (environment['HF_TOKEN'] || undefined);
  const { commit, entries } = await list(name, revision, endpoint, token);
  const snapshot = join(folder, 'snapshots', commit);
  try {
    await mkdir(join(folder, 'blobs'), { recursive: true });
    await mkdir(snapshot, { recursive: true });
    for (const entry of entries) {
      const { path } = entry;
      if (existsSync(join(snapshot, path))) continue;
      const file: RemoteFile = {
        url: `${endpoint}/${name}/resolve/${commit}/${path}`,
        size: entry.lfs?.size ?? entry.size,
        hash: entry.lfs ? { kind: 'sha256', hex: entry.lfs.oid } : { kind: 'git', hex: entry.oid },
      };
      const blob = join(folder, 'blobs', file.hash.hex);
      if (!existsSync(blob))
        await fetchFile(file, blob, {
          headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
          onBytes: (received) => options.progress?.(path, received, file.size),
        });
      await link(file.hash.hex, blob, join(snapshot, path));
    }
    if (revision !== commit) {
      await mkdir(dirname(join(folder, 'refs', revision)), { recursive: true });
      await writeFileAtomic(join(folder, 'refs', revision), commit);
    }
  } catch (error) {
    throw asCheckpointError(error, folder);
  }
  return snapshot;
}

/** Where the cache is, by the variables that the ecosystem knows. */
function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const caches = environment['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const home = environment['HF_HOME'] || join(caches, 'huggingface');
  return environment['HF_HUB_CACHE'] || environment['HUGGINGFACE_HUB_CACHE'] || join(home, 'hub');
}

async function cachedSnapshot(folder: string, name: string, revision: string): Promise<string> {
  const hint = 'fetch it once while online';
  const commit = COMMIT.test(revision)
    ? revision
    : await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '');
  check(COMMIT.test(commit.trim()), `${name} (${revision}) is not in the cache, and this is offline`, hint);
  const snapshot = join(folder, 'snapshots', commit.trim());
  check(existsSync(join(snapshot, 'config.json')), `${name} (${revision}) is not complete in the cache`, hint);
  return snapshot;
}

async function list(
  name: string,
  revision: string,
  hubUrl: string,
  accessToken: string | undefined,
): Promise<{ commit: string; entries: Entry[] }> {
  // The library refuses tokens of other servers than the Hub's own, and would send one wherever a next page is said to be.
  const authorized: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    const url = input instanceof Request ? input.url : String(input);
    if (accessToken !== undefined && new URL(url).origin === new URL(hubUrl).origin)
      headers.set('Authorization', `Bearer ${accessToken}`);
    return fetch(input, { ...init, headers });
  };
  const common = { hubUrl, fetch: authorized };
  const entries: Entry[] = [];
  let commit: string;
  try {
    commit = (await modelInfo({ ...common, name, revision, additionalFields: ['sha'] })).sha;
    check(COMMIT.test(commit), `${hubUrl}: the commit of ${name} is none`, 'check HF_ENDPOINT');
    let seen = 0;
    for await (const item of listFiles({ ...common, repo: { type: 'model', name }, revision: commit })) {
      check(++seen <= MAX_ENTRIES, `${name} has more than ${MAX_ENTRIES} files`, 'is this a model?');
      if (item.type === 'file' && NEEDED.test(item.path)) entries.push(entrySchema.parse(item));
    }
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    const what = (cause instanceof Error ? cause.message : String(cause)).slice(0, 200);
    throw new CheckpointError(
      `${name} (${revision}) cannot be listed: ${what}`,
      'check the name, the token and the connection',
      { cause },
    );
  }
  const paths = new Set(entries.map(({ path }) => path));
  check(paths.has('config.json'), `${name} has no config.json`, 'name a model');
  // Some repositories hold the same weights twice, under other names.
  const isSingle = paths.has(WEIGHTS_FILE);
  const isWanted = ({ path }: Entry): boolean =>
    !path.endsWith('.safetensors') || (isSingle ? path === WEIGHTS_FILE : /^model-\d+-of-\d+\./.test(path));
  check(isSingle || paths.has(INDEX_FILE), `${name} has no weights in safetensors format`, 'choose another revision');
  return { commit, entries: entries.filter(isWanted) };
}

/** Links are relative, so that the cache can be moved; where there are none (Windows) the file is copied. */
async function link(blobName: string, blob: string, path: string): Promise<void> {
  // A link whose blob was removed.
  await rm(path, { force: true });
  await symlink(join('..', '..', 'blobs', blobName), path).catch(async (error: NodeJS.ErrnoException) => {
    // Another fetch of the same model made it meanwhile.
    if (error.code !== 'EEXIST') await copyFile(blob, path);
  });
}

function check(holds: boolean, message: string, hint: string): void {
  if (!holds) throw new CheckpointError(message, hint);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

import { CheckpointError } from '../../core/index.ts';

const REMEDIES: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOENT: ['is not there', 'check the path'],
  ENOTDIR: ['is not there', 'check the path; a part of it is a file'],
  EACCES: ['may not be read or written', 'check the permissions'],
  EPERM: ['may not be read or written', 'check the permissions'],
  EROFS: ['lies on a file system that is read-only', 'choose another folder'],
  ENOSPC: ['did not fit: the disk is full', 'make room; what was there before is untouched'],
  EDQUOT: ['did not fit: the quota is used up', 'make room; what was there before is untouched'],
  EISDIR: ['is a folder', 'name a file in it'],
  ENAMETOOLONG: ['has a name that is too long', 'choose a shorter one'],
  ELOOP: ['is a link that leads back to itself', 'put the file itself there'],
  EMFILE: ['could not be opened: too many files are open', 'raise the limit with `ulimit -n`'],
};

const UNKNOWN = ['could not be read or written', 'check the disk and the path'] as const;

/** Turns a file system's error into one that says what to do; errors that already do are passed on. */
export function asCheckpointError(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return error;
  const code = String(error.code);
  const [what, hint] = (Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : undefined) ?? UNKNOWN;
  return new CheckpointError(`${path} ${what}`, hint, { cause: error });
}

/** Options by which every sub-command is told what to read. */
import { type Command, Option } from 'commander';
import type { SourceDescription } from '../../../data/index.ts';

/** What {@link addSourceOptions} gives. */
export interface SourceFlags {
  readonly format?: NonNullable<SourceDescription['format']>;
  readonly images?: string;
  readonly image?: string;
  readonly question?: string;
  readonly answer?: string;
  readonly caption?: string;
  readonly allowFetch?: boolean;
  readonly skipBad?: boolean;
}

export function addSourceOptions(command: Command): Command {
  return command
    .argument('<path>', 'a file of JSON, JSON Lines, CSV, parquet or tar, name-{000..012}.tar, or a folder')
    .addOption(
      new Option('--format <name>', 'told by names and beginnings of files unless given').choices([
        'json',
        'parquet',
        'webdataset',
        'folder',
      ]),
    )
    .option('--images <dir>', "folder that paths of pictures start from; the file's own unless told")
    .option('--image <column>', 'column with the picture')
    .option('--question <column>', 'column with the question')
    .option('--answer <column>', 'column with the answer')
    .option('--caption <column>', 'column with the caption')
    .option('--allow-fetch', 'fetch pictures from the web')
    .option('--skip-bad', 'leave out samples that cannot be read, and count them');
}

export function describeSource(path: string, flags: SourceFlags): SourceDescription {
  const { format, images, image, question, answer, caption, allowFetch } = flags;
  return { path, format, images, columns: { image, question, answer, caption }, allowFetch };
}

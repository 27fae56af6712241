/** Samples that are the same, or that both training and evaluation have. */
import type { Picture, Sample } from '../../data/index.ts';
import type { RecipeFinding } from './finding.ts';

/** What a sample is known by. */
export interface Fingerprint {
  readonly id: string;
  /** Of what is said, without regard to capitals and spaces. */
  readonly text: string;
  /** Of the pixels of each picture; those of one size and content are equal, a picture saved anew is not. */
  readonly pictures: readonly string[];
}

export function fingerprint(sample: Sample, pictures: readonly Picture[]): Fingerprint {
  const said = sample.conversations.map((turns) =>
    turns
      .flatMap(({ content }) => content.map((part) => (part.type === 'text' ? part.text : part.type)))
      .join(' ')
      .toLowerCase()
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
  return {
    id: sample.id,
    text: hash(new TextEncoder().encode(said.join('\n'))),
    pictures: pictures.map(({ width, height, data }) => `${width}x${height}:${hash(data)}`),
  };
}

const keyOf = ({ text, pictures }: Fingerprint): string => `${text} ${pictures.join()}`;

/** Samples of training that are there more than once. */
export function repeatFindings(samples: readonly Fingerprint[]): RecipeFinding[] {
  const first = new Map<string, string>();
  return samples.flatMap((sample) => {
    const key = keyOf(sample);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, sample.id);
    return earlier === undefined
      ? []
      : [
          {
            level: 'warning' as const,
            check: 'duplicates',
            where: sample.id,
            message: `is the same as ${earlier}: pictures and text`,
            hint: 'leave one of them out, or give the source more weight if it is meant',
          },
        ];
  });
}

/** Samples of evaluation that training has: figures on them say how well a model remembers. */
export function overlapFindings(train: readonly Fingerprint[], evaluation: readonly Fingerprint[]): RecipeFinding[] {
  const whole = new Map(train.map((sample) => [keyOf(sample), sample.id]));
  const pictures = new Map(train.flatMap(({ id, pictures }) => pictures.map((picture) => [picture, id] as const)));
  return evaluation.flatMap((sample): RecipeFinding[] => {
    const same = whole.get(keyOf(sample));
    const found = { check: 'overlap', where: sample.id } as const;
    if (same !== undefined)
      return [
        {
          ...found,
          level: 'error',
          message: `is trained on as well, as ${same}`,
          hint: 'leave it out of training or of evaluation: its figure says nothing',
        },
      ];
    const shared = sample.pictures.map((picture) => pictures.get(picture)).find((id) => id !== undefined);
    return shared === undefined
      ? []
      : [
          {
            ...found,
            level: 'warning',
            message: `has a picture that is trained on, in ${shared}`,
            hint: 'leave it out, unless new questions about known pictures are meant',
          },
        ];
  });
}

/** 64 bits: two FNV-1a sums (Fowler, Noll, Vo) that begin differently. Against accidents, not against malice. */
function hash(bytes: ArrayLike<number>): string {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
  }
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0');
}

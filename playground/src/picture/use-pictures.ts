import { useRef, useState } from 'preact/hooks';
import { useWords, type Language } from '../language/language.ts';
import { useApp } from '../parts/app-context.ts';
import { SAMPLES, type Sample } from './samples.ts';
import { takeFrom, takePicture, type TakenPicture } from './take.ts';

export interface Pictures {
  readonly list: readonly TakenPicture[];
  /** The one that is shown large. */
  readonly current: TakenPicture | undefined;
  readonly error: unknown;
  readonly select: (id: number) => void;
  readonly add: (files: readonly File[]) => Promise<void>;
  /** Takes the place of all that are there. */
  readonly showSample: (sample: Sample, language: Language) => Promise<void>;
  readonly showAddress: (address: string, name: string) => Promise<void>;
  readonly remove: (picture: TakenPicture) => void;
}

/** The pictures of one view. */
export function usePictures(): Pictures {
  const t = useWords();
  const { announce } = useApp();
  const [list, setList] = useState<readonly TakenPicture[]>([]);
  const [selected, setSelected] = useState(0);
  const [error, setError] = useState<unknown>();
  // Pictures are taken one after another; a later choice wins over an earlier one that is still being read.
  const turn = useRef(0);

  const attempt = async (work: (isLatest: () => boolean) => Promise<void>): Promise<void> => {
    const mine = ++turn.current;
    setError(undefined);
    try {
      await work(() => mine === turn.current);
    } catch (problem) {
      setError(problem);
    }
  };

  const replaceBy = (address: string, name: string, sample?: string): Promise<void> =>
    attempt(async (isLatest) => {
      const picture = await takeFrom(address, name, sample);
      if (!isLatest()) return;
      setList([picture]);
      setSelected(picture.id);
      announce(t.added(1));
    });

  return {
    list,
    current: list.find(({ id }) => id === selected) ?? list.at(-1),
    error,
    select: setSelected,
    add: (files) =>
      attempt(async () => {
        let added = 0;
        for (const file of files) {
          const picture = await takePicture(file, file.name);
          setList((before) => [...before, picture]);
          setSelected(picture.id);
          added++;
        }
        if (added > 0) announce(t.added(added));
      }),
    showSample: (sample, language) => replaceBy(sample.address, sample.name[language], sample.id),
    showAddress: (address, name) => replaceBy(address, name),
    remove: (picture) => {
      setList((before) => before.filter(({ id }) => id !== picture.id));
      announce(t.removed(picture.name));
    },
  };
}

/** The sample that all of the pictures are, if they are one. */
export function sampleOf(list: readonly TakenPicture[]): Sample | undefined {
  return list.length === 1 ? SAMPLES.find(({ id }) => id === list[0]!.sample) : undefined;
}

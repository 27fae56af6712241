import type { JSX } from 'preact';
import { useWords } from '../language/language.ts';
import type { TakenPicture } from './take.ts';
import type { Pictures } from './use-pictures.ts';

export function RemoveButton({ pictures, picture }: { pictures: Pictures; picture: TakenPicture }): JSX.Element {
  const t = useWords();
  return (
    <button type="button" class="remove" aria-label={t.remove(picture.name)} onClick={() => pictures.remove(picture)}>
      ×
    </button>
  );
}

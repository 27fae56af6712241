import type { Concept } from '../../emoji/concepts.ts';
import { fillIn, inWords, YES_NO, type Asker, type Asking } from '../question.ts';
import { someOf } from '../vocabulary.ts';

const WORDINGS = {
  en: ['Do you see {}?', 'Does the picture show {}?', 'Can {} be seen here?', 'Look for {}. Can you find it?'],
  zh: ['图中有{}吗？', '你能看到{}吗？', '这张图片里有没有{}？', '图里画了{}吗？'],
} as const;

const TRIES = 30;

/** Whether something is there: yes and no equally often, what is absent being of the kinds that scenes hold. */
export const askExistence: Asker = (asking) => {
  const { scene, language, random } = asking;
  const isThere = random.uniform() < 0.5;
  const concept = isThere ? random.pick(scene.objects).concept : absent(asking);
  if (concept === undefined) return undefined;
  return inWords(
    'existence',
    isThere ? 'present' : 'absent',
    language,
    fillIn(random.pick(WORDINGS[language]), someOf(concept, language)),
    YES_NO[language][isThere ? 0 : 1],
    { options: YES_NO[language] },
  );
};

/** Something that is surely not there: half of the time of the kind of something that is, otherwise of any kind. */
function absent({ scene, random, vocabulary }: Asking): Concept | undefined {
  const like = random.pick(scene.objects);
  const kind = like.kind !== undefined && random.uniform() < 0.5 ? like.kind : undefined;
  const isOfNoKind = like.kind === undefined && (scene.crowd || scene.objects.length === 1);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    // Single drawings and crowds may be of no kind; what is absent must then be so as well, or "no" could be told from the question.
    const concept = isOfNoKind
      ? random.pick(vocabulary.concepts)
      : random.pick(vocabulary.membersOf(kind ?? vocabulary.drawKind(random)));
    if (isOfNoKind && (vocabulary.kindOf(concept) !== undefined || !vocabulary.isUsed(concept))) continue;
    if (scene.objects.every((object) => vocabulary.isSurelyNot(object.concept, concept))) return concept;
  }
  return undefined;
}

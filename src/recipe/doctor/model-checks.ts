/** Whether the files of a model belong together. */
import type { CheckpointTokenizer } from '../../data/index.ts';
import type { RecipeFinding } from './finding.ts';

export interface ModelSubject {
  readonly tokenizer: CheckpointTokenizer;
  /** Rows of the table of embeddings. */
  readonly embeddings: number;
  /** Most tokens of a text. */
  readonly context: number;
  /** Tokens of a row in training. */
  readonly rowLength: number;
  readonly where: string;
}

/** A table that is so much larger than its vocabulary is another model's, or wasted. */
const MUCH_LARGER = 1.1;

export function modelFindings({ tokenizer, embeddings, context, rowLength, where }: ModelSubject): RecipeFinding[] {
  const findings: RecipeFinding[] = [];
  const { vocabularySize, specialTokens, paddingSide } = tokenizer;
  if (vocabularySize > embeddings)
    findings.push({
      level: 'error',
      check: 'vocabulary',
      where,
      message: `the tokenizer has ${vocabularySize} tokens, the model embeddings for ${embeddings}`,
      hint: 'use the tokenizer that was saved with the model',
    });
  else if (embeddings > vocabularySize * MUCH_LARGER + 64)
    findings.push({
      level: 'warning',
      check: 'vocabulary',
      where,
      message: `the model has embeddings for ${embeddings} tokens, the tokenizer knows ${vocabularySize}`,
      hint: 'is this the tokenizer that was saved with the model? if so, nothing is wrong but memory',
    });
  if (rowLength > context)
    findings.push({
      level: 'error',
      check: 'context',
      where: 'data.length',
      message: `rows of ${rowLength} tokens are longer than the model's context of ${context}`,
      hint: `write length: ${context} or less`,
    });
  if (paddingSide === 'right')
    findings.push({
      level: 'note',
      check: 'padding-side',
      where,
      message:
        'tokenizer_config.json pads on the right; training masks padding on either side, but prompts that are answered in batches need it on the left',
      hint: 'set padding_side to left if other programs shall answer with the trained model',
    });
  if (specialTokens['pad_token'] === undefined)
    findings.push({
      level: 'note',
      check: 'padding-token',
      where,
      message: `no padding token is named; token ${tokenizer.padId} is used and masked`,
    });
  else if (specialTokens['pad_token'] === specialTokens['eos_token'])
    findings.push({
      level: 'note',
      check: 'padding-token',
      where,
      message:
        'padding and the end of a text are the same token; here the end keeps its loss, but programs that leave all padding tokens out of the loss never teach it',
    });
  return findings;
}

// T tokens, F rows of features
import { GenerationError, hostTensor, type HostTensor } from '../../core/index.ts';

/** What is known of a prompt before it has positions. */
export interface PositionedPrompt {
  /** T ids, an image token for each row of features. */
  readonly tokens: readonly number[];
  readonly imageToken: number;
  /** Rows and columns of features of each picture, in their order. */
  readonly pictures: readonly (readonly [rows: number, columns: number])[];
}

/**
 * Positions in time, height and width (M-RoPE, Wang et al. 2024, arXiv 2409.12191, section 2.1). Text has the same number on
 * all axes; a picture stands still in time, while its rows and columns count from where it begins; what follows goes on
 * after the largest of them.
 * @returns positions [3, T], and that of the token after the prompt
 * @throws GenerationError when image tokens and features differ in number
 */
export function multimodalPositions({ tokens, imageToken, pictures }: PositionedPrompt): {
  positions: HostTensor<'int64'>;
  nextPosition: number;
} {
  const length = tokens.length;
  const marked = tokens.filter((token) => token === imageToken).length;
  const features = pictures.reduce((sum, [rows, columns]) => sum + rows * columns, 0);
  if (marked !== features)
    throw new GenerationError(
      `the prompt has ${marked} image tokens, its ${pictures.length} pictures have ${features} features`,
      'prepare text and pictures with the processor of this checkpoint',
    );
  const positions = hostTensor('int64', [3, length]);
  const put = (token: number, time: number, height: number, width: number): void => {
    positions.data[token] = BigInt(time);
    positions.data[length + token] = BigInt(height);
    positions.data[2 * length + token] = BigInt(width);
  };
  let next = 0;
  let picture = 0;
  for (let token = 0; token < length;) {
    if (tokens[token] !== imageToken) {
      put(token++, next, next, next);
      next++;
      continue;
    }
    const [rows, columns] = pictures[picture++]!;
    for (let i = 0; i < rows * columns; i++, token++) {
      if (tokens[token] !== imageToken)
        throw new GenerationError(
          `picture ${picture} of the prompt has ${rows * columns} features, but only ${i} image tokens stand in a row`,
          'prepare text and pictures with the processor of this checkpoint',
        );
      put(token, next, next + Math.floor(i / columns), next + (i % columns));
    }
    next += Math.max(rows, columns);
  }
  return { positions, nextPosition: next };
}

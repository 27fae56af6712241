/** A recipe on Sort-of-CLEVR of some seconds: the parts of the shipped one, small, with checkpoints every few steps. */
export const TINY_CLEVR_RECIPE = `model:
  type: fusion
  vision:
    { kind: conv-transformer, imageSize: 75, channels: [8, 16], blocks: [1, 1], stem: 8, width: 16, layers: 1, heads: 2, dropout: 0.1 }
  text: { vocabularySize: 200, maxLength: 13, width: 16, layers: 1, heads: 2 }
  fusion: { hidden: 16, heads: 2, layers: 2, pooledText: true }
data: { kind: sort-of-clevr, heldOut: 8, augment: true }
optimizer: { kind: adamw, lr: 0.003, weightDecay: 0.05 }
schedule: { warmup: 5 }
train: { steps: 60, batch: 4, accumulate: 2, ema: 0.9, seed: 3, checkpointEvery: 4, evaluateEvery: 15, threads: 1 }
output: run
`;

import { CheckpointError, type HostTensor, hostTensor, isWeightDType, Random, toFloat32 } from '../../core/index.ts';
import { CheckpointTokenizer } from '../../data/index.ts';
import { matchTensors, type NamingRules, parametersUnder } from '../../hub/index.ts';
import { type Checkpoint, type FetchOptions, openCheckpoint } from '../../hub/node/index.ts';
import type { FusionConfig, PictureProcessor, SimpleMultimodalModel } from '../../models/index.ts';
import { createFusionModel, createTextPart, createVisionPart } from '../encoders.ts';
import { createPictureProcessor } from '../processors.ts';
import { resolveModel } from './resolve.ts';

/** How the two encoders are joined, where it is not the plainest form. */
export interface SimpleMultimodalOptions extends FetchOptions {
  /** Width in which the modalities meet; 768 unless told. */
  readonly hiddenSize?: number;
  /** 8 unless told. */
  readonly heads?: number;
  /** 2 unless told. */
  readonly classes?: number;
  readonly query?: FusionConfig['query'];
  readonly layers?: number;
  readonly alignmentSize?: number;
  /** Draws the weights of what joins the encoders. */
  readonly seed?: number;
}

/** A fusion model of two pretrained encoders, ready to be trained. */
export interface SimpleMultimodal {
  readonly model: SimpleMultimodalModel;
  readonly config: FusionConfig;
  /** By path: those of the encoders as their files have them, the others drawn. */
  readonly weights: Record<string, HostTensor>;
  /** Prepares pictures and texts as the encoders were trained with them. */
  readonly pictures: PictureProcessor;
  readonly tokenizer: CheckpointTokenizer;
}

/**
 * Joins two pretrained encoders by cross-attention:
 * `await simpleMultimodalModel('google/vit-base-patch16-224', 'bert-base-uncased')`.
 * @param visionModelName folder or name of a ViT, CLIP or SigLIP  @param textModelName of a BERT, CLIP or SigLIP
 * @throws CheckpointError when a checkpoint cannot be used
 */
export async function simpleMultimodalModel(
  visionModelName: string,
  textModelName: string,
  options: SimpleMultimodalOptions = {},
): Promise<SimpleMultimodal> {
  const { hiddenSize = 768, heads = 8, classes = 2, query = 'text', layers = 1, alignmentSize = 0 } = options;
  const vision = await openCheckpoint(await resolveModel(visionModelName, options));
  try {
    const text = await openCheckpoint(await resolveModel(textModelName, options));
    try {
      const { names: visionNames, imageSize } = createVisionPart(vision.config, `${visionModelName}: config.json`);
      const { names: textNames, ...sizes } = createTextPart(text.config, `${textModelName}: config.json`);
      const { vocabularySize, maxLength } = sizes;
      const config: FusionConfig = {
        vision: { kind: 'pretrained', imageSize, config: vision.config },
        text: { kind: 'pretrained', vocabularySize, maxLength, config: text.config },
        hiddenSize,
        heads,
        classes,
        query,
        layers,
        alignmentSize,
      };
      // Walking a tree names its weights once and for all, and an objective names them otherwise.
      const named = createFusionModel(config);
      const weights = named.initialize(new Random(options.seed ?? 0));
      await readPart(named, 'vision_encoder.', vision, visionNames, weights);
      await readPart(named, 'text_encoder.', text, textNames, weights);
      return {
        model: createFusionModel(config),
        config,
        weights,
        pictures: createPictureProcessor(vision.config, vision.files),
        tokenizer: new CheckpointTokenizer(text.files, textModelName),
      };
    } finally {
      await text.weights.close();
    }
  } finally {
    await vision.weights.close();
  }
}

/** Reads the weights of one encoder to their paths in the whole model. */
async function readPart(
  model: SimpleMultimodalModel,
  prefix: string,
  { weights: file }: Checkpoint,
  names: NamingRules,
  weights: Record<string, HostTensor>,
): Promise<void> {
  const found = file.names.map((name) => file.location(name));
  const { names: nameOf } = matchTensors(parametersUnder(model.parameters(), prefix), found, names, file.folder);
  for (const [path, name] of nameOf) weights[prefix + path] = asFloat32(await file.read(name));
}

function asFloat32({ dtype, shape, data }: HostTensor): HostTensor<'float32'> {
  if (!isWeightDType(dtype)) throw new CheckpointError(`weights of type ${dtype} cannot be trained`);
  return hostTensor('float32', shape, toFloat32(dtype, data as never));
}

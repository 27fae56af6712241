/** Trains a small fusion model to tell whether a picture has the colour that a text names, saves it and asks it. */
import {
  adamW, createRuntime, FusionTraining, hostTensor, liveModel, loadInThread, ModelOptimizer, picture, predict,
  Random, saveFusionModel, SimpleMultimodalModel, toTensor, trainEpoch, trainTokenizer,
} from 'sensorium';

const colours = { red: [220, 40, 40], green: [40, 180, 60], blue: [40, 70, 220], yellow: [230, 210, 50] };
const names = Object.keys(colours);
const paint = (name) => picture(16, 16, 3, Uint8Array.from({ length: 768 }, (_, i) => colours[name][i % 3]));
const tokenizer = trainTokenizer(names.map((name) => `this is ${name}`), { vocabSize: 100 });

// A dataset gives batches: pictures, texts as token ids with their masks, and the right answers (0 no, 1 yes).
const dataset = {
  length: 640,
  batch({ epoch, index }, size) {
    const random = new Random(epoch * 640 + index);
    const pairs = Array.from({ length: size }, (_, i) => ({ shown: random.pick(names), said: random.pick(names), i }));
    for (const pair of pairs) if (pair.i % 2 === 1) pair.said = pair.shown;
    return {
      ids: pairs.map(({ shown, said }) => `${said} on ${shown}`),
      tensors: {
        pixels: toTensor(pairs.map(({ shown }) => paint(shown))),
        ...tokenizer.encodeBatch(pairs.map(({ said }) => `this is ${said}`), 8),
        label: hostTensor('int64', [size], BigInt64Array.from(pairs, ({ shown, said }) => BigInt(shown === said))),
      },
    };
  },
};

const config = {
  vision: { kind: 'vit', imageSize: 16, patchSize: 4, width: 32, layers: 1, heads: 4 },
  text: { vocabularySize: tokenizer.vocabSize, maxLength: 8, width: 32, layers: 1, heads: 4 },
  hiddenSize: 32, heads: 8, classes: 2, query: 'text', layers: 1, alignmentSize: 16,
};
const objective = { classification: 1, contrastive: 0, form: 'clip' };
const runtime = await createRuntime();
const model = liveModel(runtime, new FusionTraining(new SimpleMultimodalModel(config), objective), 1);
const optimizer = new ModelOptimizer(adamW(), { learningRate: 3e-3, clip: 1 });
const loader = loadInThread(dataset, { seed: 1, batchSize: 32 });
for (let epoch = 1; epoch <= 8; epoch++) console.log(`epoch ${epoch}, loss ${(await trainEpoch(model, loader, optimizer)).toFixed(4)}`);

const folder = process.argv[2] ?? 'runs/colours';
const half = [0.5, 0.5, 0.5];
const preprocessing = { imageSize: 16, imageMean: half, imageDeviation: half, textLength: 8, classNames: ['no', 'yes'] };
await saveFusionModel(folder, { config, weights: model.weights, tokenizer, preprocessing }, { overwrite: true });
for (const text of ['this is red', 'this is blue']) {
  const { label, probabilities } = await predict(folder, paint('red'), text);
  console.log(`${text}: ${label} (${probabilities[label].toFixed(3)})`);
}
optimizer.dispose();
await runtime.dispose();

/** Trains a small fusion model to tell whether a picture has the colour that a text names, saves it and asks it. */
import { adamW, createRuntime, FusionTraining, liveModel, loadInThread, ModelOptimizer, pairDataset } from 'sensorium';
import { picture, predict, saveFusionModel, SimpleMultimodalModel, trainEpoch, trainTokenizer } from 'sensorium';

const colours = { red: [220, 40, 40], green: [40, 180, 60], blue: [40, 70, 220], yellow: [230, 210, 50] };
const paint = (name) =>
  picture(
    16,
    16,
    3,
    Uint8Array.from({ length: 768 }, (_, i) => colours[name][i % 3]),
  );
const names = Object.keys(colours);
const pairs = names.flatMap((shown) =>
  names.map((said) => ({ image: paint(shown), text: `this is ${said}`, label: Number(shown === said) })),
);

const tokenizer = trainTokenizer(
  pairs.map(({ text }) => text),
  { vocabSize: 100 },
);
const loader = loadInThread(pairDataset(pairs, { tokenizer, imageSize: 16, textLength: 8 }), {
  seed: 1,
  batchSize: 16,
});
const vision = { kind: 'vit', imageSize: 16, patchSize: 4, width: 32, layers: 1, heads: 4 };
const text = { vocabularySize: tokenizer.vocabSize, maxLength: 8, width: 32, layers: 1, heads: 4 };
const config = { vision, text, hiddenSize: 32, heads: 8, classes: 2, query: 'text', layers: 1, alignmentSize: 16 };

const runtime = await createRuntime();
const training = new FusionTraining(new SimpleMultimodalModel(config), {
  classification: 1,
  contrastive: 0,
  form: 'clip',
});
const model = liveModel(runtime, training, 1);
const optimizer = new ModelOptimizer(adamW(), { learningRate: 3e-3, clip: 1 });
for (let epoch = 1; epoch <= 200; epoch++) {
  const loss = await trainEpoch(model, loader, optimizer);
  if (epoch % 40 === 0) console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
}

const folder = process.argv[2] ?? 'runs/colours';
const pixels = { imageSize: 16, imageMean: [0.5, 0.5, 0.5], imageDeviation: [0.5, 0.5, 0.5] };
const preprocessing = { ...pixels, textLength: 8, classNames: ['no', 'yes'] };
await saveFusionModel(folder, { config, weights: model.weights, tokenizer, preprocessing }, { overwrite: true });
const { label, probabilities } = await predict(folder, paint('red'), 'this is red');
console.log(`is it red? ${label}, ${probabilities[label].toFixed(3)}`);
console.log(`is it blue? ${(await predict(folder, paint('red'), 'this is blue')).label}`);

/** Trains a small fusion model to tell whether a picture has the colour that a text names, saves it and asks it. */
import { adamW, createRuntime, FusionTraining, liveModel, loadInThread, ModelOptimizer, pairDataset } from 'sensorium';
import { picture, predict, saveFusionModel, SimpleMultimodalModel, trainEpoch, trainTokenizer } from 'sensorium';

const colours = { red: [220, 40, 40], green: [40, 180, 60], blue: [40, 70, 220], yellow: [230, 210, 50] };
const paint = (name) => picture(16, 16, 3, new Uint8Array(768).map((_, i) => colours[name][i % 3])); // prettier-ignore
const names = Object.keys(colours);
const about = (shown) => names.map((said) => ({ image: paint(shown), text: said, label: Number(shown === said) }));

const tokenizer = trainTokenizer(names, { vocabSize: 100 });
const data = pairDataset(names.flatMap(about), { tokenizer, imageSize: 16, textLength: 8 });
const loader = loadInThread(data, { seed: 1, batchSize: 16 });
const vision = { kind: 'vit', imageSize: 16, patchSize: 4, width: 32, layers: 1, heads: 4 };
const text = { vocabularySize: tokenizer.vocabSize, maxLength: 8, width: 32, layers: 1, heads: 4 };
const config = { vision, text, hiddenSize: 32, heads: 8, classes: 2, query: 'text', layers: 1, alignmentSize: 16 };

const objective = { classification: 1, contrastive: 0, form: 'clip' };
const training = new FusionTraining(new SimpleMultimodalModel(config), objective);
const model = liveModel(await createRuntime(), training, 1);
const optimizer = new ModelOptimizer(adamW(), { learningRate: 3e-3, clip: 1 });
for (let epoch = 0; epoch < 200; epoch++)
  console.log(`loss ${(await trainEpoch(model, loader, optimizer)).toFixed(4)}`);

const pixels = { imageSize: 16, imageMean: [0.5, 0.5, 0.5], imageDeviation: [0.5, 0.5, 0.5] };
const preprocessing = { ...pixels, textLength: 8, classNames: ['no', 'yes'] };
const folder = process.argv[2] ?? 'runs/colours';
await saveFusionModel(folder, { config, weights: model.weights, tokenizer, preprocessing }, { overwrite: true });
console.log('is it red?', (await predict(folder, paint('red'), 'red')).label);
console.log('is it blue?', (await predict(folder, paint('red'), 'blue')).label);

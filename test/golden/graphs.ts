// The graphs whose emitted bytes are kept as hashes: training and inference, both kinds of devices.
import { gradients } from '../../src/autodiff/index.ts';
import { causalMask, GatedMlp, GroupedQueryAttention, Module, RMSNorm, rotaryTables } from '../../src/nn/index.ts';
import { add, input, reduceSum, mul, type Tensor } from '../../src/graph/index.ts';
import { lower, type LoweredGraph, type LoweringDevice } from '../../src/onnx/index.ts';
import { muon } from '../../src/train/muon.ts';
import { adamW, lion, sgd, withEma } from '../../src/train/optimizers.ts';
import { gradientGraph, lossGraph, squaredNormGraph, updateGraph } from '../../src/train/step-graph.ts';
import { SIGNATURE, smallFusion } from '../small-fusion.ts';

class DecoderLayer extends Module {
  readonly input_layernorm: RMSNorm = new RMSNorm(16);
  readonly self_attn: GroupedQueryAttention = new GroupedQueryAttention({ width: 16, heads: 4, keyValueHeads: 2 });
  readonly post_attention_layernorm: RMSNorm = new RMSNorm(16);
  readonly mlp: GatedMlp = new GatedMlp(16, 24);

  forward(x: Tensor): Tensor {
    const state = add(x, this.self_attn.forward(this.input_layernorm.forward(x), rotaryTables(5, 4), causalMask(5)));
    return add(state, this.mlp.forward(this.post_attention_layernorm.forward(state)));
  }
}

function fusion(vision: 'vit' | 'convnet', form: 'clip' | 'siglip', device: LoweringDevice): LoweredGraph {
  const trainable = smallFusion(vision, form);
  return gradientGraph(trainable, SIGNATURE, trainable.model.parameters(), device);
}

function decoder(device: LoweringDevice): LoweredGraph {
  const layer = new DecoderLayer();
  const parameters = [...layer.parameters()];
  const x = input('x', 'float32', [2, 5, 16]);
  const y = layer.forward(x);
  const found = gradients(
    reduceSum(mul(y, y)),
    parameters.map(([, parameter]) => parameter.tensor),
  );
  return lower(
    { y, ...Object.fromEntries(parameters.map(([path], i) => [`gradient:${path}`, found[i]!])) },
    { device },
  );
}

export const graphs: Readonly<Record<string, () => LoweredGraph>> = {
  'fusion of a ViT, training, cpu': () => fusion('vit', 'clip', 'cpu'),
  'fusion of a ViT, training, webgpu': () => fusion('vit', 'clip', 'webgpu'),
  'fusion of a convolutional network, training, cpu': () => fusion('convnet', 'siglip', 'cpu'),
  'fusion of a convolutional network, training, webgpu': () => fusion('convnet', 'siglip', 'webgpu'),
  'fusion of a ViT, loss alone, cpu': () => {
    const trainable = smallFusion();
    trainable.model.parameters();
    return lossGraph(trainable, SIGNATURE, 'cpu');
  },
  'decoder layer, training, cpu': () => decoder('cpu'),
  'decoder layer, training, webgpu': () => decoder('webgpu'),
  'AdamW update': () => updateGraph(adamW(), [1024], 'cpu'),
  'SGD update': () => updateGraph(sgd({ momentum: 0.9 }), [1024], 'cpu'),
  'Lion update, with an average': () => updateGraph(withEma(lion(), 0.99), [1024], 'cpu'),
  'Muon update of a wide matrix': () => updateGraph(muon().matrices!, [16, 24], 'cpu'),
  'Muon update of a tall matrix, webgpu': () => updateGraph(muon().matrices!, [24, 16], 'webgpu'),
  'squared norm': () => squaredNormGraph(1024, 'cpu'),
};

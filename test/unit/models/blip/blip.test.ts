import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../../src/core/index.ts';
import { matchTensors } from '../../../../src/hub/index.ts';
import {
  answerPrompt,
  BlipForConditionalGeneration,
  BlipForQuestionAnswering,
  blipNames,
  captionPrompt,
  parseBlipConfig,
} from '../../../../src/models/index.ts';
import { asFile } from '../as-file.ts';

const TOWER = { hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 12 };
const TEXT = { ...TOWER, vocab_size: 11, max_position_embeddings: 9, bos_token_id: 9, sep_token_id: 3 };
const TINY = { text_config: TEXT, vision_config: { ...TOWER, image_size: 8, patch_size: 4 } };

describe('parseBlipConfig', () => {
  it('fills in what files leave out, as Transformers does', () => {
    const { vision, text, projection } = parseBlipConfig({ model_type: 'blip' });
    expect(vision).toMatchObject({
      width: 768,
      heads: 12,
      layers: 12,
      imageSize: 384,
      patchSize: 16,
      normEpsilon: 1e-5,
    });
    expect(text).toMatchObject({ vocabularySize: 30_524, heads: 8, maxLength: 512, normEpsilon: 1e-12 });
    expect([text.startToken, text.endToken, projection]).toEqual([30_522, 102, 256]);
  });

  it.each([
    ['another architecture', { model_type: 'clip' }, /model_type/],
    ['a text model that sees nothing', { text_config: { is_decoder: false } }, /is_decoder/],
    ['a start that is no token', { text_config: { vocab_size: 100 } }, /bos_token_id/],
    ['heads that do not fit', { text_config: { num_attention_heads: 7 } }, /num_attention_heads/],
    ['patches larger than pictures', { vision_config: { image_size: 8 } }, /patch_size/],
    ['sizes without end', { vision_config: { num_hidden_layers: 1e9 } }, /num_hidden_layers/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseBlipConfig(json)).toThrow(CheckpointError);
    expect(() => parseBlipConfig(json)).toThrow(message);
  });
});

describe('BLIP', () => {
  it('takes files with buffers and copies of tied weights', () => {
    const model = new BlipForConditionalGeneration(parseBlipConfig(TINY));
    const extra = [
      { name: 'text_decoder.bert.embeddings.position_ids', dtype: 'int64' as const, shape: [1, 9] },
      { name: 'text_decoder.cls.predictions.decoder.weight', dtype: 'float32' as const, shape: [11, 16] },
      { name: 'text_decoder.cls.predictions.decoder.bias', dtype: 'float32' as const, shape: [11] },
    ];
    const { ignored } = matchTensors(model.parameters(), [...asFile(model), ...extra], blipNames, 'file');
    expect(ignored).toEqual(extra.map(({ name }) => name));
  });

  it('refuses output weights of its own, and questions of another width than pictures', () => {
    const loose = parseBlipConfig({ ...TINY, tie_word_embeddings: false });
    expect(() => new BlipForConditionalGeneration(loose)).toThrow(/tie_word_embeddings/);
    const uneven = parseBlipConfig({ ...TINY, vision_config: { ...TINY.vision_config, hidden_size: 24 } });
    expect(() => new BlipForQuestionAnswering(uneven)).toThrow(/24.*16/);
  });

  it('begins texts as the decoder was taught', () => {
    const { text } = parseBlipConfig(TINY);
    expect(captionPrompt([2, 5, 6, 3], text)).toEqual([9, 5, 6]);
    expect(captionPrompt([2, 3], text)).toEqual([9]);
    expect(answerPrompt(text)).toEqual([9]);
  });
});

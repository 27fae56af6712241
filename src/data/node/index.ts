export { EMOJI_MODULE, makeEmojiTokenizer } from '../emoji/node/dataset.ts';
export { loadConcepts } from '../emoji/node/packages.ts';
export { renderSet, type RenderOptions } from '../emoji/node/render.ts';
export * from '../formats/node/index.ts';
export { decodePicture, readPicture, type DecodeOptions } from './decode.ts';
export { EASY_VQA_MODULE, makeEasyVqaTokenizer, readEasyVqa, readEasyVqaQuestions } from './easy-vqa.ts';
export { openPicture, type OpenPictureOptions, type PictureSource } from './open-picture.ts';
export { makeSortOfClevrTokenizer, SORT_OF_CLEVR_MODULE } from './sort-of-clevr.ts';
export { openLoader, type WorkerLoaderOptions } from './worker-loader.ts';

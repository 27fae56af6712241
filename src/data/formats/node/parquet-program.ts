/**
 * What reads parquet files, as the text of a process of its own.
 *
 * Why in a process: a few bytes of a parquet file may stand for billions of values (runs of levels, packed pages). A process
 * has a bound on its heap, at which it ends alone, and it can be ended when it takes too long. (A thread has such a bound too, but
 * where one allocation goes far beyond it, the engine ends the whole process.) Pages that say they are larger than a bound are
 * not unpacked at all.
 */
export const PARQUET_PROGRAM: string = `
const { open } = require('node:fs/promises');
const zlib = require('node:zlib');
const { path, hyparquet, fzstd, maxFooter, maxPage } = JSON.parse(process.argv[1]);
// Whoever asks may end without a word.
process.on('disconnect', () => process.exit());

const bounded = (unpack) => (input, length) => {
  if (length > maxPage) throw new Error('a page of ' + length + ' bytes, more than ' + maxPage);
  return unpack(input, length);
};

async function start() {
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema, snappyUncompress } = await import(hyparquet);
  const zstd = await import(fzstd);
  const decompress = zstd.decompress ?? zstd.default.decompress;
  const handle = await open(path);
  const { size } = await handle.stat();
  const file = {
    byteLength: size,
    async slice(from, to = size) {
      const length = Math.min(to, size) - from;
      if (!(from >= 0 && length >= 0)) throw new Error('a place outside of the file');
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, length - done, from + done);
        if (bytesRead === 0) throw new Error('the file ends');
        done += bytesRead;
      }
      return bytes.buffer;
    },
  };
  const compressors = {
    SNAPPY: bounded((input, length) => {
      const output = new Uint8Array(length);
      snappyUncompress(input, output);
      return output;
    }),
    GZIP: bounded((input, length) => new Uint8Array(zlib.gunzipSync(input, { maxOutputLength: Math.max(1, length) }))),
    BROTLI: bounded((input, length) => new Uint8Array(zlib.brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }))),
    ZSTD: bounded((input, length) => decompress(input, new Uint8Array(length))),
  };
  if (size < 12) throw new Error('too short');
  const [tail] = new Uint32Array((await file.slice(size - 8)).slice(0, 4));
  if (tail > maxFooter) throw new Error('a footer of ' + tail + ' bytes, more than ' + maxFooter);
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const tree = parquetSchema(metadata);
  const isPicture = (node) => ['bytes', 'path'].every((name) => node.children.some((child) => child.element.name === name));
  const found = (node) => isPicture(node) || node.children.some(found);
  process.send({
    columns: tree.children.map((child) => ({ name: child.element.name, isPicture: found(child) })),
    groups: metadata.row_groups.map((group) => ({
      rows: Number(group.num_rows),
      sizes: Object.fromEntries(
        tree.children.map((child) => [
          child.element.name,
          group.columns
            .filter((column) => column.meta_data?.path_in_schema[0] === child.element.name)
            .reduce((sum, column) => sum + Number(column.meta_data.total_uncompressed_size), 0),
        ]),
      ),
    })),
  });
  process.on('message', async ({ id, rowStart, rowEnd, columns }) => {
    try {
      const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd, columns, compressors, utf8: false, geoparquet: false });
      process.send({ id, rows });
    } catch (error) {
      process.send({ id, problem: String(error?.message ?? error) });
    }
  });
}

start().catch((error) => {
  process.send({ problem: String(error?.message ?? error) }, () => process.exit());
});
`;

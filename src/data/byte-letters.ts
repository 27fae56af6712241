/**
 * The letters that stand for bytes in byte-level tokenizers, by byte. As in GPT-2, bytes that can be seen stand for
 * themselves, the others for the letters from U+0100 up.
 */
export const BYTE_LETTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const seen = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(seen ? byte : next++);
  });
})();

const BYTES: ReadonlyMap<string, number> = new Map(BYTE_LETTERS.map((letter, byte) => [letter, byte]));

/** @returns the bytes that letters stand for; undefined where one stands for none */
export function lettersToBytes(letters: string): Uint8Array | undefined {
  const bytes = Array.from(letters, (letter) => BYTES.get(letter));
  return bytes.includes(undefined) ? undefined : Uint8Array.from(bytes as number[]);
}

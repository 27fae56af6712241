/** A new name for an answer, such as `chatcmpl-…` or `resp_…`. @param beginning with its separator */
export function identifier(beginning: string): string {
  return beginning + crypto.randomUUID().replaceAll('-', '');
}

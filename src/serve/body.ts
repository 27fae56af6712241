/** Bodies of requests: JSON that is checked before anything is believed of it. */
import { z } from 'zod';
import { scanJson } from '../core/index.ts';
import type { ServeContext } from './context.ts';
import { ApiError, invalid } from './errors.ts';
import { boundedText } from './limits/bounded-text.ts';

/** Largest body in bytes: a few photographs as data URLs. */
const MAX_BODY = 32 * 2 ** 20;
const MAX_DEPTH = 100;
/** Most values in a body: checking the form of millions of wrong ones would take minutes. */
const MAX_VALUES = 200_000;

/**
 * The body of a request, as its schema has it.
 * @throws ApiError naming the part that is wrong
 */
export async function readBody<T>(c: ServeContext, schema: z.ZodType<T>): Promise<T> {
  const type = c.req.header('content-type') ?? '';
  // Pages of other sites may send text and forms without asking, but not JSON.
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type))
    throw new ApiError(415, `the body is ${type === '' ? 'of no type' : type.slice(0, 100)}`, {
      hint: 'send JSON with Content-Type: application/json',
      code: 'unsupported_content_type',
    });
  return parseBody(await boundedText(c.req.raw, MAX_BODY, c.get('share')), schema);
}

/** @throws ApiError */
export function parseBody<T>(text: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    const { depth, values } = scanJson(text, MAX_DEPTH, MAX_VALUES);
    if (depth > MAX_DEPTH) throw new SyntaxError(`it is nested more than ${MAX_DEPTH} deep`);
    if (values > MAX_VALUES) throw new SyntaxError(`it holds more than ${MAX_VALUES} values`);
    json = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 120) : '';
    throw new ApiError(400, `the body is not JSON: ${reason}`, { code: 'invalid_json', hint: 'check it', cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const { path, message } = deepest(result.error.issues);
  const param = pathText(path);
  throw invalid(param, `${param === '' ? 'the body' : param}: ${message}`);
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The first problem; of a choice the one of the alternative that fits furthest. */
function deepest(issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[] = []): Problem {
  const [issue] = issues;
  if (issue === undefined) return { path: above, message: 'is not valid' };
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    if (issue.errors.length === 0) return { path, message: `${issue.message}${choicesOf(issue)}` };
    const found = issue.errors.map((errors) => deepest(errors, path));
    return found.reduce((best, next) => (next.path.length > best.path.length ? next : best));
  }
  return { path, message: issue.message };
}

function choicesOf(issue: { readonly note?: string | undefined; readonly discriminator?: string | undefined }): string {
  return issue.discriminator === undefined ? '' : `: this ${issue.discriminator} is not supported`;
}

/** `messages[0].content[1].type`. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

/** Pictures from the web, for people who are not trusted: whoever names an address must not make this machine ask its neighbours. */
import { lookup as lookUp } from 'node:dns/promises';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { DataError } from '../../core/index.ts';
import { isPublicAddress } from './public-address.ts';

export interface RemoteImageOptions {
  /** Hosts that may be asked; any public one unless told. A leading dot means all names below. */
  readonly hosts?: readonly string[];
  /** 80 and 443 unless told. */
  readonly ports?: readonly number[];
  /** Most bytes; what sends more is left. 20 MiB unless told. */
  readonly maxBytes?: number;
  /** For everything together, in seconds; 10 unless told. */
  readonly seconds?: number;
  /** How often an address may lead to another one; 3 unless told. */
  readonly maxRedirects?: number;
  /** Which addresses may be connected to: {@link isPublicAddress} unless told. */
  readonly mayConnect?: (address: string) => boolean;
  /** All addresses of a name; the system's unless told. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

const MAX_BYTES = 20 * 2 ** 20;
const MAX_ADDRESS = 2048;
/** Addresses of a name that are tried, such as one of IPv6 and one of IPv4. */
const MAX_PLACES = 4;

/**
 * Fetches a picture from the web. Only http and https, without credentials, at usual ports; a name is looked up once, every
 * address that it has must be public, and the connection is made to one that was checked: a name that points elsewhere a
 * moment later (DNS rebinding) changes nothing. The same holds for each address that it leads to. Cookies, proxies and
 * packed bodies are not used.
 * @returns its bytes, which may be anything: what says they are a picture is decoding them
 * @throws DataError, the same for all that may not be asked or is not there, so that nobody learns what is inside; the signal's reason
 */
export async function fetchRemoteImage(
  address: string,
  options: RemoteImageOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { seconds = 10, maxRedirects = 3 } = options;
  const limit = AbortSignal.timeout(seconds * 1000);
  const stop = AbortSignal.any([limit, signal]);
  try {
    let url = parseAddress(address);
    for (let hops = 0; ; hops++) {
      const response = await askAny(url, await placesOf(url, options, stop), stop);
      try {
        const { statusCode = 0, headers } = response;
        if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
          if (hops >= maxRedirects) throw refused(`leads on more than ${maxRedirects} times`);
          url = nextAddress(headers.location, url);
          continue;
        }
        if (statusCode !== 200) throw refused(`is answered with ${statusCode}`);
        if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw refused('is packed');
        return await readBounded(response, options.maxBytes ?? MAX_BYTES);
      } finally {
        response.destroy();
      }
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof DataError) throw cause;
    if (limit.aborted) throw refused(`did not arrive within ${seconds} s`);
    throw refused('cannot be fetched', cause);
  }
}

/** Errors do not repeat the address: it may hold what its owner keeps secret. */
function refused(what: string, cause?: unknown): DataError {
  return new DataError(`the picture's address ${what}`, 'send the picture itself, as a data URL', { cause });
}

function parseAddress(text: string, base?: URL): URL {
  if (text.length > MAX_ADDRESS) throw refused(`is longer than ${MAX_ADDRESS} characters`);
  if (!URL.canParse(text, base)) throw refused('is none');
  const url = new URL(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('is not of the web');
  if (url.username !== '' || url.password !== '') throw refused('has a password in it');
  return url;
}

function nextAddress(location: string, from: URL): URL {
  const url = parseAddress(location, from);
  if (from.protocol === 'https:' && url.protocol === 'http:') throw refused('leads from https to http');
  return url;
}

/** The addresses of the machine to connect to, which were checked. */
async function placesOf(url: URL, options: RemoteImageOptions, signal: AbortSignal): Promise<readonly string[]> {
  const { hosts, ports = [80, 443], mayConnect = isPublicAddress, resolve = resolveName } = options;
  // One message for all of these, names that do not exist included.
  const closed = refused('may not be fetched');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (!ports.includes(port)) throw closed;
  const name = url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  if (hosts !== undefined && !hosts.some((host) => host === name || (host.startsWith('.') && name.endsWith(host))))
    throw closed;
  // What looks like a number was made an address by the URL parser: 0x7f.1 and 2130706433 are 127.0.0.1 here.
  const addresses = isIP(name) !== 0 ? [name] : await untilAborted(resolve(name), signal).catch(() => []);
  signal.throwIfAborted();
  // One that is inside makes all of them suspect.
  if (addresses.length === 0 || !addresses.every((address) => mayConnect(address))) throw closed;
  return addresses.slice(0, MAX_PLACES);
}

async function resolveName(name: string): Promise<readonly string[]> {
  return (await lookUp(name, { all: true })).map(({ address }) => address);
}

/** The system's look-up cannot be stopped, but nobody has to wait for it. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop!);
  }
}

/** Asks the first of several places that can be reached. */
async function askAny(url: URL, places: readonly string[], signal: AbortSignal): Promise<IncomingMessage> {
  let failure: unknown;
  for (const place of places) {
    try {
      return await ask(url, place, signal);
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

/** Asks one machine, whatever its name says by now. */
async function ask(url: URL, place: string, signal: AbortSignal): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:';
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const request: ClientRequest = (secure ? httpsRequest : httpRequest)({
    host: place,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    method: 'GET',
    // The certificate must be of the name that was asked for.
    ...(secure && isIP(name) === 0 ? { servername: name } : {}),
    headers: { Host: url.host, Accept: 'image/*', 'Accept-Encoding': 'identity', 'User-Agent': 'sensorium' },
    maxHeaderSize: 16_384,
    // A connection of its own: a kept one might be to another machine of that name.
    agent: false,
    signal,
  });
  return new Promise((resolve, reject) => {
    request.on('response', resolve).on('error', reject).end();
  });
}

async function readBounded(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (): DataError => refused(`holds more than ${maxBytes} bytes`);
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

import type { NodeResponse } from './hosts.js';

/** The part of a Node response that {@link holdEnd} needs. */
export interface EndableResponse extends NodeResponse {
  end: (...args: never[]) => unknown;
  destroy(error?: Error): unknown;
  removeHeader(name: string): void;
  getHeaderNames(): string[];
  statusCode: number;
  once(event: 'close', listener: () => void): unknown;
}

/** The work to do before a response ends. */
export interface BeforeEnd {
  /** Asked when the response is about to end. If it returns false, the response is not delayed. */
  isNeeded(): boolean;
  run(): Promise<void>;
  /** Called when `run` or the end itself has failed and the response can still change. */
  failed(error: unknown): void;
}

/** Delays the end of a response until `run` is done. */
export function holdEnd(res: EndableResponse, before: BeforeEnd): void {
  const { end } = res;
  const headOfStart = headOf(res);
  let held = false;

  function holdingEnd(this: unknown, ...args: never[]): unknown {
    if (held) return res;
    // Node throws. The answer to that error is still to come, and its end waits.
    if (!isChunk(args[0])) return Reflect.apply(end, res, args);
    if (!before.isNeeded()) {
      res.end = end;
      return Reflect.apply(end, res, args);
    }
    held = true;
    const headOfEnd = headOf(res);
    before
      .run()
      .then(() => {
        // The handler may have thrown after `end`. Its answer is final all the same.
        if (!res.headersSent && 'writeHead' in res) setHead(res, headOfEnd);
        res.end = end;
        Reflect.apply(end, res, args);
      })
      .catch((error: unknown) => {
        res.end = end;
        if (res.headersSent) {
          // The client has seen a success that did not happen. The only remedy is to cut the
          // answer short.
          res.destroy(error instanceof Error ? error : undefined);
          return;
        }
        setHead(res, headOfStart);
        before.failed(error);
      });
    return res;
  }

  res.end = holdingEnd;
}

/** Whether a response can end with this. A falsy value counts as none. */
function isChunk(value: unknown): boolean {
  return !value || typeof value === 'string' || typeof value === 'function' || ArrayBuffer.isView(value);
}

/** The status and headers of a response whose head has not left. */
interface Head {
  readonly status: number;
  readonly message: unknown;
  readonly headers: ReadonlyMap<string, number | string | string[] | undefined>;
}

function headOf(res: EndableResponse): Head {
  return {
    status: res.statusCode,
    message: Object.hasOwn(res, MESSAGE) ? Reflect.get(res, MESSAGE) : undefined,
    headers: new Map(res.getHeaderNames().map((name) => [name, res.getHeader(name)])),
  };
}

/** Undoes later changes of the status and headers. */
function setHead(res: EndableResponse, { status, message, headers }: Head): void {
  res.statusCode = status;
  // HTTP/2 has no such message, and warns of each use.
  if (Object.hasOwn(res, MESSAGE)) Reflect.set(res, MESSAGE, message);
  for (const name of res.getHeaderNames()) if (!headers.has(name)) res.removeHeader(name);
  for (const [name, value] of headers)
    if (value !== undefined) res.setHeader(name, typeof value === 'number' ? String(value) : value);
}

const MESSAGE = 'statusMessage';

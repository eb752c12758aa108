import type { NodeResponse } from './hosts.js';

/** The part of a Node response that is needed to hold its end back. */
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
  /** Asked when the response is about to end. If not needed, the response is not delayed. */
  isNeeded(): boolean;
  run(): Promise<void>;
  /** Called with a failure while the response can still change. */
  failed(error: unknown): void;
}

/** Holds the end of a response back until `run` is done. */
export function holdEnd(res: EndableResponse, before: BeforeEnd): void {
  const { end } = res;
  const headersOfStart = new Map(res.getHeaderNames().map((name) => [name, res.getHeader(name)]));
  let held = false;

  function holdingEnd(this: unknown, ...args: never[]): unknown {
    if (held) return res;
    if (!before.isNeeded()) {
      res.end = end;
      return Reflect.apply(end, res, args);
    }
    held = true;
    before.run().then(
      () => {
        res.end = end;
        Reflect.apply(end, res, args);
      },
      (error: unknown) => {
        res.end = end;
        if (res.headersSent) {
          // The client has seen a success that did not happen. Only cutting the answer short is
          // left.
          res.destroy(error instanceof Error ? error : undefined);
          return;
        }
        resetHead(res, headersOfStart);
        before.failed(error);
      },
    );
    return res;
  }

  res.end = holdingEnd;
}

/** Undoes the handler's head, so that the error handler can answer. */
function resetHead(res: EndableResponse, headers: ReadonlyMap<string, number | string | string[] | undefined>): void {
  res.statusCode = 200;
  for (const name of res.getHeaderNames()) if (!headers.has(name)) res.removeHeader(name);
  for (const [name, value] of headers) if (value !== undefined) res.setHeader(name, typeof value === 'number' ? String(value) : value);
}

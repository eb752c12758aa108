import type { NodeResponse } from './hosts.js';

/** As much of a Node response as is needed to do something before it ends. */
export interface EndableResponse extends NodeResponse {
  end: (...args: never[]) => unknown;
  destroy(error?: Error): unknown;
  removeHeader(name: string): void;
  getHeaderNames(): string[];
  statusCode: number;
  once(event: 'close', listener: () => void): unknown;
}

/** What is to be done before a response ends. */
export interface BeforeEnd {
  /** Asked when the response is about to end; where it is not needed the response is not delayed. */
  isNeeded(): boolean;
  run(): Promise<void>;
  /** Called with a failure while the response can still become another one. */
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
          // The client has been told of a success that did not happen: cutting the answer short is all that is left to say.
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

/** Takes back what the handler has set, for the error handler to answer instead. */
function resetHead(res: EndableResponse, headers: ReadonlyMap<string, number | string | string[] | undefined>): void {
  res.statusCode = 200;
  for (const name of res.getHeaderNames()) if (!headers.has(name)) res.removeHeader(name);
  for (const [name, value] of headers) if (value !== undefined) res.setHeader(name, typeof value === 'number' ? String(value) : value);
}

import type { ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { holdEnd } from '../../src/http/node-end.js';
import { gate } from '../support/gate.js';
import { listenInTest } from '../support/http.js';

/** A Node server whose handler gets a response that is held until `run` is done. */
async function serve(run: () => Promise<void>, handle: (res: ServerResponse) => void, isNeeded = true) {
  const failed = vi.fn();
  let response: ServerResponse | undefined;
  const { url } = await listenInTest((_req, res) => {
    response = res;
    res.setHeader('x-early', ['1', '2']);
    res.setHeader('x-number', 5);
    const answer = (error: unknown): void => {
      failed(error);
      res.statusCode = 503;
      res.end('failed');
    };
    holdEnd(res, { isNeeded: () => isNeeded, run, failed: answer });
    handle(res);
  });
  return { url, failed, response: () => response };
}

describe('a held response', () => {
  test('ends when the work is done, with the data that the handler passed', async () => {
    const work = gate();
    const run = vi.fn(() => work.opened);
    const { url } = await serve(run, (res) => {
      expect(res.end('done')).toBe(res);
      // A second end changes nothing.
      expect(res.end('other')).toBe(res);
      expect(res.writableEnded).toBe(false);
      work.open();
    });
    expect(await (await fetch(url)).text()).toBe('done');
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('keeps the status and headers that it had at its end, whatever an error handler sets later', async () => {
    const { url } = await serve(
      async () => undefined,
      (res) => {
        res.setHeader('content-length', 4);
        res.end('done');
        res.statusCode = 500;
        res.statusMessage = 'Failed';
        res.setHeader('content-length', 6);
        res.setHeader('x-late', 'late');
        res.removeHeader('x-number');
        res.end('failed');
      },
    );
    const answer = await fetch(url);
    expect([answer.status, answer.statusText, await answer.text()]).toEqual([200, 'OK', 'done']);
    expect(['x-late', 'x-number'].map((name) => answer.headers.get(name))).toEqual([null, '5']);
  });

  test('ends immediately if no work is needed', async () => {
    const run = vi.fn(async () => undefined);
    const { url } = await serve(
      run,
      (res) => {
        res.end('done');
        expect(res.writableEnded).toBe(true);
      },
      false,
    );
    expect(await (await fetch(url)).text()).toBe('done');
    expect(run).not.toHaveBeenCalled();
  });

  test('is reset to what it was at the start if the work fails, so that an error can be answered', async () => {
    const outage = new Error('away');
    const { url, failed } = await serve(
      async () => {
        throw outage;
      },
      (res) => {
        res.statusCode = 201;
        res.setHeader('x-late', 'secret');
        res.setHeader('x-early', 'changed');
        res.removeHeader('x-number');
        res.end('done');
      },
    );
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([503, 'failed']);
    expect(['x-late', 'x-early', 'x-number'].map((name) => answer.headers.get(name))).toEqual([null, '1, 2', '5']);
    expect(failed.mock.calls).toEqual([[outage]]);
  });

  test.each([
    ['an error', new Error('away'), 'away'],
    ['any other value', 'away', undefined],
  ])('is cut short if the work fails with %s after the head has left', async (_, thrown, message) => {
    const { url, failed, response } = await serve(
      () => Promise.reject(thrown),
      (res) => {
        res.write('the first part');
        res.end('the last part');
      },
    );
    await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow('terminated');
    // The error is on the response, where the host's own logging finds it.
    expect(response()?.errored?.message).toBe(message);
    expect(failed).not.toHaveBeenCalled();
  });
});

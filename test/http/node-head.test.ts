import { type ServerResponse, STATUS_CODES } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { onHead } from '../../src/http/node-head.js';
import { listenInTest } from '../support/http.js';

/** The answer of a Node server with this handler. */
async function answerOf(handle: (res: ServerResponse) => void): Promise<Response> {
  const { url } = await listenInTest((_req, res) => handle(res));
  return fetch(url);
}

describe('a listener for the head of a Node response', () => {
  const forms: [string, unknown][] = [
    ['an object', { 'X-One': 'a', 'X-Number': 5, 'X-List': ['1', '2'], 'X-None': undefined }],
    ['a flat list', ['X-One', 'a', 'X-Number', 5, 'X-List', '1', 'X-List', '2']],
    [
      'a list of pairs',
      [
        ['X-One', 'a'],
        ['X-Number', 5],
        ['X-List', ['1', '2']],
      ],
    ],
  ];

  test.each(forms)('sees and changes headers that writeHead gets as %s', async (_, headers) => {
    const seen: unknown[] = [];
    const answer = await answerOf((res) => {
      onHead(res, (status) => {
        seen.push(status, res.getHeader('x-one'), res.getHeader('x-list'), res.hasHeader('x-none'));
        res.setHeader('x-one', 'changed');
      });
      Reflect.apply(res.writeHead, res, [201, headers]);
      res.end();
    });
    expect(seen).toEqual([201, 'a', ['1', '2'], false]);
    expect(answer.status).toBe(201);
    expect(['x-one', 'x-number', 'x-list'].map((name) => answer.headers.get(name))).toEqual(['changed', '5', '1, 2']);
  });

  test('leaves out entries of a list that are no pairs, as Node does', async () => {
    const answer = await answerOf((res) => {
      onHead(res, () => undefined);
      Reflect.apply(res.writeHead, res, [200, [['x-one', 'a'], 'x-two']]);
      res.end();
    });
    expect([...answer.headers.keys()].filter((name) => name.startsWith('x-'))).toEqual(['x-one']);
  });

  test.each([
    ['alone', ['Made'], 'Made', null],
    ['before the headers', ['Made', { 'x-one': 'a' }], 'Made', 'a'],
    ['absent', [{ 'x-one': 'a' }], STATUS_CODES[201], 'a'],
    ['undefined', [undefined, { 'x-one': 'a' }], STATUS_CODES[201], 'a'],
  ])('keeps the reason phrase: %s', async (_, rest, reason, header) => {
    const answer = await answerOf((res) => {
      onHead(res, () => undefined);
      Reflect.apply(res.writeHead, res, [201, ...rest]);
      res.end();
    });
    expect([answer.statusText, answer.headers.get('x-one')]).toEqual([reason, header]);
  });

  test('runs when the response ends without writeHead, and once only', async () => {
    const statuses: number[] = [];
    const answer = await answerOf((res) => {
      onHead(res, (status) => void statuses.push(status));
      res.statusCode = 202;
      res.end('done');
      expect(() => res.writeHead(500)).toThrow('after they are sent');
    });
    expect([answer.status, await answer.text(), statuses]).toEqual([202, 'done', [202]]);
  });

  test('listeners run in the order in which they were added, early ones before all', async () => {
    const order: string[] = [];
    await answerOf((res) => {
      onHead(res, () => void order.push('first'));
      onHead(res, () => void order.push('second'));
      onHead(res, () => void order.push('early'), true);
      onHead(res, () => void order.push('earlier'), true);
      res.end();
    });
    expect(order).toEqual(['earlier', 'early', 'first', 'second']);
  });

  test('rule 16: listeners of another copy of the package run in the same order', async () => {
    vi.resetModules();
    const copy = await import('../../src/http/node-head.js');
    const order: string[] = [];
    await answerOf((res) => {
      copy.onHead(res, () => void order.push('first, of the copy'));
      onHead(res, () => void order.push('second'));
      copy.onHead(res, () => void order.push('early, of the copy'), true);
      res.end();
    });
    expect(order).toEqual(['early, of the copy', 'first, of the copy', 'second']);
  });

  test('is refused by a response that cannot write a head', () => {
    const response = { headersSent: false, setHeader: () => undefined, getHeader: () => undefined };
    expect(onHead(response, () => undefined)).toBe(false);
  });
});

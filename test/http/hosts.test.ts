import { describe, expect, test } from 'vitest';
import { HOST, HOST_VERSION, hostOf } from '../../src/http/host.js';
import {
  field,
  isNodeResponse,
  isOfSocket,
  isUpgrade,
  isWebSocket,
  isWebSocketResponse,
} from '../../src/http/hosts.js';
import { createSessions } from '../../src/index.js';

const call = () => undefined;

describe('the objects that hosts pass in', () => {
  test.each([
    ['all parts', { setHeader: call, getHeader: call, headersSent: false }, true],
    ['a reply of Fastify', { header: call, send: call, sent: false }, false],
    ['no getHeader', { setHeader: call, headersSent: false }, false],
    ['no setHeader', { getHeader: call, headersSent: false }, false],
    ['no headersSent', { setHeader: call, getHeader: call }, false],
    ['nothing', null, false],
  ])('a Node response: %s', (_, value, expected) => {
    expect(isNodeResponse(value)).toBe(expected);
  });

  test.each([
    ['a WebSocket of ws', { readyState: 1, terminate: call }, true],
    ['a connection that is opening', { readyState: 0, terminate: call }, true],
    ['an XMLHttpRequest', { readyState: 1 }, false],
    ['a worker', { terminate: call }, false],
    ['nothing', undefined, false],
  ])('the response of a WebSocket in tRPC: %s', (_, value, expected) => {
    expect(isWebSocketResponse(value)).toBe(expected);
  });

  test.each([
    ['any WebSocket', { send: call, close: call }, true],
    ['the socket on a context of Koa', { close: call }, false],
    ['a response of Express', { send: call }, false],
    ['nothing', null, false],
  ])('a WebSocket: %s', (_, value, expected) => {
    expect(isWebSocket(value)).toBe(expected);
  });

  test('an upgrade to a WebSocket has the header `upgrade`, in any case', () => {
    expect([undefined, 'h2c', 'websocket', 'WebSocket'].map((value) => isUpgrade(() => value))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  test.each([
    ['that Node has upgraded', { upgrade: true }, undefined, true],
    ['that Node has not upgraded, whatever its client sends', { upgrade: false }, 'websocket', false],
    ['of another server, by its header', {}, 'websocket', true],
    ['that has not arrived yet, as in Node', { upgrade: null }, undefined, false],
  ])('a request of a socket: one %s', (_, request, header, expected) => {
    expect(isOfSocket(request, () => header)).toBe(expected);
  });

  test('a property that throws when it is read counts as absent', () => {
    class Private {
      readonly #url = 'https://app.example';
      get url(): string {
        return this.#url;
      }
    }
    expect(field(new Private(), 'url')).toBe('https://app.example');
    expect(field(new Proxy(new Private(), {}), 'url')).toBeUndefined();
  });
});

describe('the sessions that an adapter gets', () => {
  test.each<[string, object | null | undefined]>([
    ['nothing', undefined],
    ['null', null],
    ['a copy', Object.fromEntries(Object.entries(createSessions()))],
    ['an object with a part of a host', { [HOST]: HOST_VERSION }],
    ['an object with another part of a host', { [HOST]: { open: call } }],
  ])('are refused if they are %s', (_, sessions) => {
    expect(() => hostOf(sessions as never)).toThrow(
      expect.objectContaining({
        code: 'NOT_SUPPORTED',
        message: expect.stringContaining('createSessions() returned'),
      }),
    );
  });

  test('are refused if another protocol made them, and both versions are named', () => {
    const other = { [HOST]: { protocol: -1, version: '9.9.9', open: call } };
    expect(() => hostOf(other as never)).toThrow(/9\.9\.9 made the sessions, \d+\.\d+\.\d+ uses them/);
  });
});

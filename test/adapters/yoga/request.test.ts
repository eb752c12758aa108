import { describe, expect, test } from 'vitest';
import { foreignRequest, hasRequest, noteNodeRequest, yogaRequest } from '../../../src/adapters/yoga/request.js';

const headers = { authorization: 'Bearer token' };

describe('the request of a context', () => {
  const request = new Request('http://api.example/graphql?q', { headers });
  const described = { headers: request.headers, details: { method: 'GET', url: request.url }, target: { kind: 'collect' } };

  test("of Yoga behind Node: Node's is the key, and Fetch's is read", () => {
    const req = { headers: {}, method: 'POST', url: '/' };
    noteNodeRequest(request, { req });
    expect(yogaRequest(request)).toEqual({ key: req, ...described });
  });

  test('of Yoga in a batch behind Node, where the context inherits it', () => {
    const req = { headers };
    noteNodeRequest(request, Object.create({ req }));
    expect(yogaRequest(request).key).toBe(req);
  });

  test('of Yoga behind a framework that wraps it, as Fastify does: the one that is wrapped', () => {
    const raw = { headers };
    noteNodeRequest(request, { req: { raw, headers } });
    expect(yogaRequest(request).key).toBe(raw);
  });

  test.each([
    ['nothing', undefined],
    ["a router's request without headers, as Hono has it", { raw: undefined, header() {} }],
    ['a text', 'POST /'],
  ])('of Yoga elsewhere, with %s as req: that of Fetch', (_, req) => {
    noteNodeRequest(request, { req });
    expect(yogaRequest(request)).toEqual({ key: request, ...described });
  });

  test('a plain socket, as Koa has it on its contexts, makes no WebSocket of it', () => {
    const req = { headers };
    const socket = { readyState: 'open', write() {}, destroy() {} };
    expect(foreignRequest({ req, socket })).toEqual({
      key: req,
      headers,
      details: { method: undefined, url: undefined },
      target: { kind: 'collect' },
    });
  });

  test.each([
    ['ws', { socket: { send() {}, close() {} }, request: { headers } }],
    ['uWebSockets', { socket: { send() {}, close() {} }, persistedRequest: { headers } }],
  ])('of graphql-ws on %s: the socket is the key', (_, extra) => {
    expect(foreignRequest({ extra, connectionParams: { token: 't' } })).toMatchObject({
      key: extra.socket,
      headers,
      connectionParams: { token: 't' },
      persistent: true,
      target: { kind: 'none' },
    });
  });

  test('of graphql-ws where there is no request: parameters alone', () => {
    const extra = { socket: { send() {}, close() {} } };
    expect(foreignRequest({ extra, connectionParams: { token: 't' } })).toMatchObject({ headers: {}, connectionParams: { token: 't' } });
    expect(foreignRequest({ connectionParams: null })).toMatchObject({ key: undefined, persistent: true, connectionParams: undefined });
  });

  test('none', () => {
    for (const context of [{}, null, undefined, 'context', { headers }]) {
      expect(foreignRequest(context)).toEqual({ key: undefined, headers: {}, target: { kind: 'collect' } });
      expect(hasRequest(context)).toBe(false);
    }
    expect(hasRequest({ req: {} })).toBe(true);
  });
});

import { describe, expect, test } from 'vitest';
import { noteNodeRequest, yogaRequest } from '../../../src/adapters/yoga/request.js';
import { foreignRequest, hasRequest } from '../../../src/http/foreign-request.js';

const headers = { authorization: 'Bearer token' };

test.each(['req', 'request', 'extra', 'socket', 'connectionParams'])(
  'a context with `%s` holds a request, whatever server put it there',
  (name) => {
    expect(hasRequest({ [name]: {} })).toBe(true);
    expect(hasRequest({ [name]: undefined })).toBe(false);
    expect(hasRequest(undefined)).toBe(false);
  },
);

describe('the request of a context', () => {
  const request = new Request('http://api.example/graphql?q', { headers });
  const described = {
    headers: request.headers,
    details: { method: 'GET', url: request.url },
    target: { kind: 'collect' },
  };

  /** The Node request behind a Fetch request. */
  const nodeRequest = (more: object = {}) => ({
    headers: { ...headers, host: 'api.example' },
    method: 'GET',
    url: '/graphql?q',
    ...more,
  });
  /** Each test has its own request, because notes about a request stay. */
  const fetchRequest = () => new Request('http://api.example/graphql?q', { headers });

  test("of Yoga behind Node: Node's is the key, and Fetch's is read", () => {
    const request = fetchRequest();
    const req = nodeRequest();
    noteNodeRequest(request, { req });
    expect(yogaRequest(request)).toEqual({ ...described, key: req, headers: request.headers });
  });

  test('of Yoga in a batch behind Node is the one that the context inherits', () => {
    const request = fetchRequest();
    const req = nodeRequest();
    noteNodeRequest(request, Object.create({ req }));
    expect(yogaRequest(request).key).toBe(req);
  });

  test('of Yoga behind a framework that wraps it, as Fastify does, is the wrapped one', () => {
    const request = fetchRequest();
    const raw = nodeRequest();
    noteNodeRequest(request, { req: { raw, headers } });
    expect(yogaRequest(request).key).toBe(raw);
  });

  test('of Yoga under a path of Express, which removes it from the URL, is the same', () => {
    const request = fetchRequest();
    const req = nodeRequest({ url: '/?q', originalUrl: '/graphql?q' });
    noteNodeRequest(request, { req });
    expect(yogaRequest(request).key).toBe(req);
  });

  test.each([
    ['another path', { url: '/inner' }],
    ['another query', { url: '/graphql?other' }],
    ['another method', { method: 'POST' }],
  ])('rule 15: a Node request with %s only travels with the sub-request', (_, more) => {
    const request = fetchRequest();
    noteNodeRequest(request, { req: nodeRequest(more) });
    expect(yogaRequest(request).key).toBe(request.headers);
  });

  test.each([
    ['the same host', 'api.example', true],
    ['another host', 'sub.example', false],
  ])('rule 15: a Node request with %s is, or is not, the one that the Fetch request names', (_, host, isSame) => {
    const request = new Request('http://api.example/graphql?q', { headers: { host } });
    const req = nodeRequest();
    noteNodeRequest(request, { req });
    expect(yogaRequest(request).key).toBe(isSame ? req : request.headers);
  });

  test('of Yoga behind Node is the same if the client sent a fragment, which URLs of requests lose', () => {
    const request = fetchRequest();
    const req = nodeRequest({ url: '/graphql?q#top' });
    noteNodeRequest(request, { req });
    expect(yogaRequest(request).key).toBe(req);
  });

  test("of Yoga behind Node is Node's if the Fetch request shows no headers", () => {
    const request = { method: 'GET', url: 'http://api.example/graphql?q' };
    const req = nodeRequest();
    noteNodeRequest(request, { req });
    expect(yogaRequest(request)).toMatchObject({ key: req, headers: req.headers });
  });

  test('rule 15: paths that cannot be decoded are the same only if their texts are', () => {
    const [request, other] = ['%E0', '%E1'].map((path) => new Request(`http://api.example/${path}`, { headers }));
    if (!request || !other) throw new Error('the test has two requests');
    const req = nodeRequest({ url: '/%E0' });
    noteNodeRequest(other, { req });
    noteNodeRequest(request, { req });
    expect([yogaRequest(request).key, yogaRequest(other).key]).toEqual([req, other.headers]);
  });

  test.each([
    ['a Node request without a URL', { url: undefined }, undefined],
    ['a Fetch request whose URL is only a path', {}, '/graphql?q'],
    ['a Fetch request without a URL', {}, undefined],
  ])('%s cannot be compared, so its Fetch request stands alone', (_, more, url) => {
    const request = 'url' in more ? fetchRequest() : { method: 'GET', headers: new Headers(), url };
    noteNodeRequest(request, { req: nodeRequest(more) });
    expect(yogaRequest(request).key).toBe(request.headers);
  });

  test('rule 15: a second Fetch request with the same Node request only travels with it', () => {
    const [outer, inner] = [fetchRequest(), fetchRequest()];
    const req = nodeRequest();
    noteNodeRequest(outer, { req });
    noteNodeRequest(inner, { req });
    expect([yogaRequest(outer).key, yogaRequest(inner).key]).toEqual([req, inner.headers]);
  });

  test.each([
    ['nothing', undefined],
    ["a router's request without headers, as Hono has it", { raw: undefined, header() {} }],
    ['a text', 'POST /'],
  ])('of Yoga elsewhere, with %s as req, is the headers of the Fetch request, which its proxies share', (_, req) => {
    noteNodeRequest(request, { req });
    expect(yogaRequest(request)).toEqual({ key: request.headers, ...described });
    expect(yogaRequest(request).key).toBe(request.headers);
  });

  test('a plain socket, as Koa has it on its contexts, does not make it a WebSocket', () => {
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

  test('of a server that puts the socket on the context itself: the socket is the key', () => {
    const socket = { send() {}, close() {} };
    expect(foreignRequest({ socket, request: { headers }, connectionParams: {} })).toMatchObject({
      key: socket,
      headers,
      persistent: true,
      target: { kind: 'none' },
    });
  });

  test('of graphql-ws without a request consists of the parameters', () => {
    const extra = { socket: { send() {}, close() {} } };
    expect(foreignRequest({ extra, connectionParams: { token: 't' } })).toMatchObject({
      headers: {},
      connectionParams: { token: 't' },
    });
    expect(foreignRequest({ connectionParams: null })).toMatchObject({
      key: undefined,
      persistent: true,
      connectionParams: undefined,
    });
  });

  test('is absent without a request and a socket', () => {
    for (const context of [{}, null, undefined, 'context', { headers }]) {
      expect(foreignRequest(context)).toEqual({ key: undefined, headers: {}, target: { kind: 'collect' } });
      expect(hasRequest(context)).toBe(false);
    }
    expect(hasRequest({ req: {} })).toBe(true);
  });
});

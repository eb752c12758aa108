import {
  createTRPCUntypedClient,
  createWSClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  TRPCClientError,
  type TRPCLink,
  wsLink,
} from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { actorOf, type Credential, callsOf, fieldOf, type Operation, type Request } from '../program.js';
import { nameOf } from './trpc-app.js';

/** The answer to a client: a value, or a code. */
export type Answer =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly code: unknown; readonly sessionCode: unknown }
  | {
      readonly kind: 'graphql';
      readonly data: unknown;
      readonly errors: readonly { readonly path: unknown; readonly code: unknown }[];
    };

/** The head of an HTTP response. */
export interface Head {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly cacheControl: string | null;
}

/** The client of one request of the program. */
export interface RequestClient {
  /** Sends the request, or of a socket the call with this number. */
  send(call: number): void;
  /** By the names of the calls. */
  readonly answers: ReadonlyMap<string, Promise<Answer>>;
  /** The heads of the responses, of HTTP. */
  readonly heads: readonly Head[];
  close(): Promise<void>;
}

export interface Address {
  readonly port: number;
  readonly token: string | undefined;
}

export function clientOf(request: Request, index: number, address: Address): RequestClient {
  if (request.kind === 'trpc') return trpcClient(request, index, address);
  if (request.kind === 'yoga')
    return request.link === 'socket' ? graphqlSocket(request, index, address) : graphqlClient(request, index, address);
  return expressClient(index, request.credential, address);
}

function headersFor(credential: Credential | null, token: string | undefined, who?: string): Record<string, string> {
  const headers: Record<string, string> = who === undefined ? {} : { 'x-who': who };
  if (token === undefined) return headers;
  if (credential?.by === 'cookie') headers['cookie'] = `sid=${token}`;
  else headers['authorization'] = `Bearer ${token}`;
  return headers;
}

/** `fetch` that keeps the heads of its responses. */
function watchingFetch(heads: Head[]) {
  return async (input: string | URL | globalThis.Request, init?: object): Promise<Response> => {
    const response = await fetch(input, init);
    const { status, headers } = response;
    heads.push({ status, cookies: headers.getSetCookie(), cacheControl: headers.get('cache-control') });
    return response;
  };
}

function trpcClient(
  request: Extract<Request, { kind: 'trpc' }>,
  index: number,
  { port, token }: Address,
): RequestClient {
  const { link, credential, calls, front } = request;
  const heads: Head[] = [];
  const answers = new Map<string, Promise<Answer>>();
  const socket = link === 'socket' ? trpcSocket(port, credential, token) : undefined;
  const url = `http://127.0.0.1:${port}/${front ? 'front' : 'alone'}/trpc`;
  const options = { url, fetch: watchingFetch(heads), headers: headersFor(credential, token, actorOf(index, 'x')) };
  const links = { single: httpLink, batch: httpBatchLink, stream: httpBatchStreamLink };
  const used: TRPCLink<AnyTRPCRouter> = socket
    ? wsLink({ client: socket })
    : links[link as keyof typeof links](options);
  const client = createTRPCUntypedClient({ links: [used] });
  const call = (number: number): void => {
    const procedure = calls[number];
    const who = actorOf(index, 'c', number);
    if (procedure) answers.set(who, client.mutation(nameOf(procedure), who).then(valued, failed));
  };
  return {
    answers,
    heads,
    send: (number) => {
      if (socket) call(number);
      else for (const each of calls.keys()) call(each);
    },
    close: async () => socket?.close(),
  };
}

function trpcSocket(port: number, credential: Credential | null, token: string | undefined) {
  const isCookie = credential?.by === 'cookie';
  return createWSClient({
    url: `ws://127.0.0.1:${port}/trpc`,
    WebSocket: socketWith(isCookie ? headersFor(credential, token) : {}) as unknown as typeof globalThis.WebSocket,
    connectionParams: isCookie || token === undefined ? null : { token },
    retryDelayMs: () => 60_000,
  });
}

/** A WebSocket whose upgrade request has these headers, as that of a browser with a cookie. */
function socketWith(headers: Record<string, string>) {
  return class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { headers });
    }
  };
}

function valued(value: unknown): Answer {
  return { kind: 'value', value };
}

function failed(error: unknown): Answer {
  if (!(error instanceof TRPCClientError)) return unreadable(error);
  const data: { code?: unknown; sessionCode?: unknown } = error.data ?? {};
  return { kind: 'error', code: data.code ?? error.message, sessionCode: data.sessionCode };
}

/** An answer of another host, or none. */
function unreadable(error: unknown): Answer {
  return { kind: 'error', code: String(error), sessionCode: undefined };
}

type YogaRequest = Extract<Request, { kind: 'yoga' }>;

function graphqlClient(request: YogaRequest, index: number, { port, token }: Address): RequestClient {
  const { credential, front, link, operations } = request;
  const heads: Head[] = [];
  const answers = new Map<string, Promise<Answer>>();
  const { calls } = callsOf(request, index);
  const bodies = operations.map((operation, number) => bodyOf(operation, calls[number] ?? ''));
  return {
    answers,
    heads,
    send: () => {
      const headers = { 'content-type': 'application/json', ...headersFor(credential, token, actorOf(index, 'x')) };
      const body = JSON.stringify(link === 'single' ? bodies[0] : bodies);
      const sent = watchingFetch(heads)(`http://127.0.0.1:${port}/${front ? 'front' : 'alone'}/graphql`, {
        method: 'POST',
        headers,
        body,
      });
      const results = sent.then((response) => response.json()).then((json: unknown) => [json].flat());
      for (const [number, who] of calls.entries())
        answers.set(who, results.then((all) => graphqlAnswer(all[number])).catch(unreadable));
    },
    close: async () => undefined,
  };
}

function graphqlSocket(request: YogaRequest, index: number, { port, token }: Address): RequestClient {
  const { credential, operations } = request;
  const isCookie = credential?.by === 'cookie';
  const answers = new Map<string, Promise<Answer>>();
  const client = createClient({
    url: `ws://127.0.0.1:${port}/graphql`,
    webSocketImpl: socketWith(isCookie ? headersFor(credential, token) : {}),
    ...(!isCookie && token !== undefined && { connectionParams: { token } }),
    lazyCloseTimeout: 60_000,
    retryAttempts: 0,
  });
  const first = async (body: ReturnType<typeof bodyOf>): Promise<Answer> => {
    for await (const result of client.iterate(body)) return graphqlAnswer(result);
    throw new Error('there was no result');
  };
  return {
    answers,
    heads: [],
    send: (number) => {
      const operation = operations[number];
      const who = actorOf(index, 'o', number);
      if (operation) answers.set(who, first(bodyOf(operation, who)).catch(unreadable));
    },
    close: async () => client.dispose(),
  };
}

function bodyOf({ type, fields, typename }: Operation, who: string) {
  const selections = fields.map((field, index) => {
    const names = {
      strict: 'strict',
      strictThrow: 'strict',
      below: 'node',
      soft: 'node',
      ok: 'plain',
      null: 'plain',
      throw: 'plain',
    };
    const below = { below: ' { hard }', soft: ' { value soft }' };
    const rest = field.end === 'below' || field.end === 'soft' ? below[field.end] : '';
    const text = `f${index}: ${names[field.end]}(id: "${fieldOf(who, index)}")${rest}`;
    return field.inFragment ? `... on ${type === 'query' ? 'Query' : 'Mutation'} { ${text} }` : text;
  });
  const extra = { no: '', plain: '__typename ', alias: 'kind: __typename ' }[typename];
  return { query: `${type} { ${extra}${selections.join(' ')} }`, extensions: { operation: who } };
}

function graphqlAnswer(result: unknown): Answer {
  const { data, errors = [] } = result as {
    data?: unknown;
    errors?: readonly { path?: unknown; extensions?: { code?: unknown } }[];
  };
  return { kind: 'graphql', data, errors: errors.map(({ path, extensions }) => ({ path, code: extensions?.code })) };
}

function expressClient(index: number, credential: Credential | null, { port, token }: Address): RequestClient {
  const heads: Head[] = [];
  const answers = new Map<string, Promise<Answer>>();
  const who = actorOf(index, 'x');
  return {
    answers,
    heads,
    send: () => {
      const sent = watchingFetch(heads)(`http://127.0.0.1:${port}/front/handler`, {
        method: 'POST',
        headers: headersFor(credential, token, who),
      });
      answers.set(
        who,
        sent.then(async (response) => {
          await response.text();
          return { kind: 'value', value: response.status };
        }),
      );
    },
    close: async () => undefined,
  };
}

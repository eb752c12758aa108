/** A request as the server sees it. */
export interface Arrival {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  /** The token of `Authorization: Bearer <token>`. */
  readonly token: string | null;
  readonly body: string;
  readonly init: RequestInit | undefined;
}

export interface Scripted {
  readonly fetch: typeof globalThis.fetch;
  readonly arrivals: Arrival[];
}

/** A server in this process that returns the results of `answer`. */
export function scripted(answer: (arrival: Arrival, index: number) => Response | Promise<Response>): Scripted {
  const arrivals: Arrival[] = [];
  return {
    arrivals,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const arrival: Arrival = {
        url: request.url,
        method: request.method,
        headers: request.headers,
        token: /^Bearer (.*)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? null,
        body: await request.text(),
        init,
      };
      arrivals.push(arrival);
      return answer(arrival, arrivals.length - 1);
    },
  };
}

export const ok = (headers: Record<string, string> = {}): Response => new Response('ok', { headers });

/** The server does not accept the token (RFC 6750). */
export const refused = (headers: Record<string, string> = {}): Response =>
  new Response('no', { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"', ...headers } });

/** The last login is too long ago (RFC 9470). */
export const stepUp = (maxAge?: number, headers: Record<string, string> = {}): Response =>
  new Response('no', {
    status: 401,
    headers: {
      'www-authenticate': `Bearer error="insufficient_user_authentication"${maxAge === undefined ? '' : `, max_age=${maxAge}`}`,
      ...headers,
    },
  });

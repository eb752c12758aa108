import { createSessions, requireSession, type SessionContext, type SessionStore } from 'token-sessions';
import { aborted } from './core-checks.js';
import { ADA, type Data } from './data.js';

type Handler = (context: SessionContext<Data>) => Response | Promise<Response>;

/**
 * An application that keeps its sessions where its module is loaded, as applications do. Many
 * requests use them at once. `/outage/find` makes the store hang, `/outage/none` ends that.
 */
export function appOn(inner: SessionStore): (request: Request) => Promise<Response> {
  let outage = 'none';
  const sessions = createSessions<Data>({
    store: hangingStore(inner, () => outage),
    recheckInterval: 200,
    storeTimeout: 1_000,
  });

  const routes: Record<string, Handler> = {
    '/login': async ({ sessions: own }) => Response.json((await own.create(ADA)).token),
    '/me': ({ session }) => Response.json(session?.data ?? null),
    '/visit': async (context) =>
      Response.json(
        await requireSession(context).update((data) => {
          data.views += 1;
        }),
      ),
    '/fail': (context) => {
      requireSession(context).data.theme = 'dark';
      return new Response('failed', { status: 500 });
    },
    '/live': (context) => {
      const { signal } = requireSession(context);
      return eventStream(aborted(signal));
    },
    '/logout': async (context) => {
      await requireSession(context).destroy();
      return Response.json(null);
    },
  };

  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith('/outage/')) {
      outage = pathname.slice('/outage/'.length);
      return Response.json(outage);
    }
    const route = routes[pathname];
    return route ? sessions.handle(request, route) : new Response('not found', { status: 404 });
  };
}

function eventStream(ended: Promise<void>): Response {
  const text = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(text.encode('data: open\n\n'));
      await ended;
      controller.enqueue(text.encode('data: ended\n\n'));
      controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

/** A store of which one verb never answers while `outage` names it. */
function hangingStore(inner: SessionStore, outage: () => string): SessionStore {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) =>
        outage() === name ? new Promise(() => undefined) : Reflect.apply(value, target, args);
    },
  });
}

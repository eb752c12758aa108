import {
  createContext,
  createStaticHandler,
  type MiddlewareFunction,
  type RouterContextProvider,
  redirect,
} from 'react-router';
import { cookie, createSessions, requireSession, type SessionContextOf } from 'token-sessions';

const sessions = createSessions<{ userId: string; theme: string }>({ sources: [cookie()] });

const sessionContext = createContext<SessionContextOf<typeof sessions>>();

/** The `middleware` export of the root route. It serves the whole request. */
const withSession: MiddlewareFunction = ({ request, context }, next) =>
  sessions.handle(request, async (session) => {
    context.set(sessionContext, session);
    const answer = await next();
    return answer instanceof Response ? answer : Response.json(answer);
  });

/** The part of the arguments of loaders and actions that is used here. */
interface Args {
  readonly context: Readonly<RouterContextProvider>;
  readonly params: Readonly<Record<string, string | undefined>>;
}

async function login({ context }: Args) {
  // A real login checks a password here.
  await context.get(sessionContext).sessions.create({ userId: 'ada', theme: 'light' });
  throw redirect('/me', 303);
}

async function setTheme({ context, params }: Args) {
  // The middleware saves this, because the answer is not 5xx.
  requireSession(context.get(sessionContext)).data.theme = params['name'] ?? '';
  return new Response(null, { status: 204 });
}

async function logout({ context }: Args) {
  await context.get(sessionContext).session?.destroy();
  return new Response(null, { status: 204 });
}

function me({ context }: Args) {
  return Response.json(requireSession(context.get(sessionContext)).data);
}

const { queryRoute } = createStaticHandler([
  {
    path: '/',
    middleware: [withSession],
    children: [
      { path: 'login', action: login },
      { path: 'me', loader: me },
      { path: 'theme/:name', action: setTheme },
      { path: 'logout', action: logout },
    ],
  },
]);

/** Serves the routes without a page around them, as React Router serves resource routes. */
export async function serve(request: Request): Promise<Response> {
  const answer: unknown = await queryRoute(request, { generateMiddlewareResponse: (query) => query(request) });
  if (answer instanceof Response) return answer;
  throw new TypeError('every route here answers with a Response');
}

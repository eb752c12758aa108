import fastify from 'fastify';
import { cookie, createSessions, requireSession, type SessionContextOf } from 'token-sessions';
import { fastifySessions } from 'token-sessions/fastify';

const sessions = createSessions<{ userId: string; theme: string }>({ sources: [cookie()] });

/**
 * An application declares this once, and then needs no cast:
 *
 * ```ts
 * declare module 'fastify' {
 *   interface FastifyRequest extends SessionContextOf<typeof sessions> {}
 * }
 * ```
 *
 * Not here, because this file is compiled together with other examples and tests, which have other
 * data.
 */
type WithSession = SessionContextOf<typeof sessions>;

function own(request: object): WithSession {
  return request as WithSession;
}

/** The server: `await makeApp().listen({ port: 3000 })`. */
export function makeApp() {
  const app = fastify();
  app.register(fastifySessions(sessions));
  // A real login checks a password here.
  app.post('/login', async (request, reply) => {
    await own(request).sessions.create({ userId: 'ada', theme: 'light' });
    return reply.code(204).send();
  });
  app.get('/me', (request) => requireSession(own(request)).data);
  // The plugin saves this, because the answer is not 5xx.
  app.post<{ Params: { name: string } }>('/theme/:name', async (request, reply) => {
    requireSession(own(request)).data.theme = request.params.name;
    return reply.code(204).send();
  });
  app.post('/logout', async (request, reply) => {
    await own(request).session?.destroy();
    return reply.code(204).send();
  });
  return app;
}

import { cookie, createSessions, type SessionContextOf } from 'token-sessions';

export const sessions = createSessions<{ userId: string; theme: string }>({ sources: [cookie()] });

/** As much of SvelteKit's event as is used. In an application, `App.Locals` extends this. */
export type Locals = SessionContextOf<typeof sessions>;

interface Event {
  readonly request: Request;
  readonly locals: object;
}

interface HandleInput {
  readonly event: Event;
  resolve(event: Event): Promise<Response> | Response;
}

/**
 * The hook `handle` of `src/hooks.server.ts`. It serves the whole request: what `load`, actions and
 * `+server.ts` throw by `redirect()` and `error()` is a response by then.
 */
export function handle({ event, resolve }: HandleInput): Promise<Response> {
  return sessions.handle(event.request, (context) => {
    Object.assign(event.locals, context);
    return resolve(event);
  });
}

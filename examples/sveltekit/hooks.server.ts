import { cookie, createSessions, type SessionContextOf } from 'token-sessions';

export const sessions = createSessions<{ userId: string; theme: string }>({ sources: [cookie()] });

/**
 * The part of SvelteKit's event that is used here. In an application, `App.Locals` extends this.
 */
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
 * The hook `handle` of `src/hooks.server.ts`. It serves the whole request. SvelteKit has already
 * made a response of `redirect()` and `error()` from `load`, actions and `+server.ts`.
 */
export function handle({ event, resolve }: HandleInput): Promise<Response> {
  return sessions.handle(event.request, (context) => {
    Object.assign(event.locals, context);
    return resolve(event);
  });
}

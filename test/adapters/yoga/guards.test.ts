import { describe, expect, test } from 'vitest';
import { requireFresh, requireSession } from '../../../src/adapters/yoga/index.js';
import { toGraphQLError } from '../../../src/graphql/errors.js';
import { type SessionContext, SessionError } from '../../../src/index.js';
import type { Data } from './support/app.js';
import { bearer } from './support/client.js';
import { makeSessions } from './support/setup.js';

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('the guards, on a context from fromHeaders', () => {
  test('admit a session, and follow its end', async () => {
    const { sessions, token } = await makeSessions();
    const ctx = await sessions.fromHeaders(bearer(token));
    expect(requireSession(ctx)).toBe(ctx.session);
    expect(requireFresh(ctx, '1m')).toBe(ctx.session);
    await ctx.session?.destroy();
    expect(thrownBy(() => requireSession(ctx))).toMatchObject({ name: 'SessionError', code: 'UNAUTHENTICATED' });
  });

  test('refuse anonymous and stale sessions', async () => {
    const { sessions, token, clock } = await makeSessions();
    const anonymous = await sessions.fromHeaders({});
    for (const guard of [() => requireSession(anonymous), () => requireFresh(anonymous, '1m')]) {
      expect(thrownBy(guard)).toMatchObject({
        name: 'SessionError',
        code: 'UNAUTHENTICATED',
        extensions: { code: 'UNAUTHENTICATED' },
      });
    }
    const ctx = await sessions.fromHeaders(bearer(token));
    clock.advance(60_000);
    expect(requireFresh(ctx, '1m')).toBe(ctx.session);
    clock.advance(1);
    expect(thrownBy(() => requireFresh(ctx, 60_000))).toMatchObject({
      name: 'SessionError',
      code: 'STEP_UP_REQUIRED',
      maxAge: 60_000,
      extensions: { code: 'STEP_UP_REQUIRED' },
    });
  });

  test('requireFresh refuses an invalid duration', async () => {
    const { sessions, token } = await makeSessions();
    const ctx = await sessions.fromHeaders(bearer(token));
    expect(thrownBy(() => requireFresh(ctx, -1))).toMatchObject({ name: 'SessionError', code: 'INVALID_OPTION' });
  });

  test('accept a context of an application’s own tests, with fake sessions', async () => {
    const { sessions, token } = await makeSessions();
    const real = await sessions.fromHeaders(bearer(token));
    const mock: SessionContext<Data> = {
      session: real.session,
      sessions: { ...real.sessions, current: real.session },
    };
    expect(requireSession(mock)).toBe(real.session);
    expect(thrownBy(() => requireFresh({ ...mock, session: null }, '1m'))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('explain what is missing if the context has no session of the library', () => {
    const context: { session: null } = JSON.parse('{}');
    for (const guard of [() => requireSession(context), () => requireFresh(context, '1m')]) {
      expect(thrownBy(guard)).toMatchObject({
        code: 'NOT_SUPPORTED',
        message: expect.stringContaining('useSession(sessions)'),
      });
    }
  });
});

test('a foreign error reveals nothing to clients, and neither does an error of another version with an unknown code', () => {
  const foreign = Object.assign(new SessionError('CONFLICT', 'internal detail'), { code: 'NEW_CODE' });
  for (const error of [new TypeError('internal detail'), foreign, 'internal detail', undefined]) {
    expect(JSON.parse(JSON.stringify(toGraphQLError(error)))).toEqual({
      message: 'Internal server error',
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
  }
});

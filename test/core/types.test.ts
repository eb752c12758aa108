import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  createSessions,
  type Session,
  type SessionContext,
  type SessionContextOf,
  type SessionJson,
  type SessionOf,
} from '../../src/index.js';

interface Data {
  userId: string;
  views: number;
}

interface Input {
  userId: string;
  views?: number | undefined;
}

const typed = createSessions<Data>();
const checked = createSessions({ schema: z.object({ userId: z.string(), views: z.number().default(0) }) });

describe('rule 10: an application writes the type of its data once', () => {
  test('SessionOf names the session of these sessions', () => {
    expectTypeOf<SessionOf<typeof typed>>().toEqualTypeOf<Session<Data>>();
    expectTypeOf<SessionOf<typeof checked>>().toEqualTypeOf<Session<Data>>();
    expectTypeOf<SessionOf<typeof typed>>().not.toBeAny();
  });

  test('SessionContextOf names the context of these sessions', () => {
    expectTypeOf<SessionContextOf<typeof typed>>().toEqualTypeOf<SessionContext<Data>>();
    expectTypeOf<SessionContextOf<typeof checked>>().toEqualTypeOf<SessionContext<Data, Input>>();
    expectTypeOf<SessionContextOf<typeof checked>>().not.toBeAny();
  });

  test('both refuse a value that createSessions does not return', () => {
    // @ts-expect-error: no sessions
    expectTypeOf<SessionOf<{ find(id: string): null }>>();
    // @ts-expect-error: no sessions
    expectTypeOf<SessionContextOf<Data>>();
  });

  test('a context is a Record<string, unknown>, as some hosts require', () => {
    expectTypeOf<SessionContext<Data>>().toExtend<Record<string, unknown>>();
    expectTypeOf<SessionContextOf<typeof checked>>().toExtend<Record<string, unknown>>();
    interface Request extends SessionContext<Data> {}
    expectTypeOf<Request['session']>().toEqualTypeOf<Session<Data> | null>();
  });

  test('the JSON of a session has no token', () => {
    expectTypeOf<ReturnType<Session<Data>['toJSON']>>().toEqualTypeOf<SessionJson<Data>>();
    expectTypeOf<Extract<keyof SessionJson<Data>, 'token'>>().toEqualTypeOf<never>();
  });
});

import { deepStrictEqual, notStrictEqual, ok, rejects, strictEqual } from 'node:assert';
import { inspect } from 'node:util';
import { createSessions } from 'token-sessions';
import { z } from 'zod';
import type { Check, OpenStore, Suite } from './check.js';
import { ADA, cookieOf, cookieSessionsOn, sessionsOn } from './data.js';

const MINUTE = 60_000;

type Run = (open: OpenStore) => Promise<void>;

/** The behaviour of sessions on a store of the runtime. */
export function coreChecks(suite: Suite, open: OpenStore): Check[] {
  return Object.entries({ ...DATA, ...ENDS, ...TOKENS, ...ACCOUNTS }).map(([title, run]) => ({
    suite,
    title,
    run: () => run(open),
  }));
}

/** Resolves when the signal aborts; the limit of the check bounds the wait. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const DATA: Record<string, Run> = {
  'create, load and save': async (open) => {
    const sessions = sessionsOn(open());
    const { token, id } = await sessions.create(ADA);
    const first = await sessions.fromToken(token);
    strictEqual(first.session?.id, id);
    if (!first.session) return;
    first.session.data.theme = 'dark';
    await first.session.save();
    deepStrictEqual((await sessions.fromHeaders({ authorization: `Bearer ${token}` })).session?.data, {
      ...ADA,
      theme: 'dark',
    });
    await sessions.close();
  },
  'data comes back unchanged': async (open) => {
    const sessions = createSessions({ store: open() });
    const data = JSON.parse('{"__proto__":{"x":1},"a":"\\u0000\\ud800","b":[],"c":1e308,"d":{"é":null},"e":-0.5}');
    const { token } = await sessions.create(data);
    strictEqual(JSON.stringify((await sessions.fromToken(token)).session?.data), JSON.stringify(data));
    await sessions.close();
  },
  'a schema gives defaults and refuses': async (open) => {
    const sessions = createSessions({
      store: open(),
      schema: z.object({ userId: z.string(), views: z.number().default(0) }),
    });
    const { token } = await sessions.create({ userId: 'ada' });
    const { session } = await sessions.fromToken(token);
    deepStrictEqual(session?.data, ADA);
    if (session) Reflect.set(session.data, 'views', 'many');
    await rejects(async () => session?.save(), { code: 'INVALID_DATA' });
    await sessions.close();
  },
  'saves of different fields from two processes merge': async (open) => {
    const store = open();
    const [here, there] = [sessionsOn(store), sessionsOn(store)];
    const { token } = await here.create(ADA);
    const [mine, yours] = [(await here.fromToken(token)).session, (await there.fromToken(token)).session];
    if (!mine || !yours) throw new Error('the session was not found');
    mine.data.theme = 'dark';
    yours.data.views = 7;
    await Promise.all([mine.save(), yours.save()]);
    deepStrictEqual((await here.fromToken(token)).session?.data, { userId: 'ada', views: 7, theme: 'dark' });
    await Promise.all([here.close(), there.close()]);
  },
  'of 40 updates at once, from two processes, each counts': async (open) => {
    const store = open();
    const both = [sessionsOn(store), sessionsOn(store)];
    const { token } = await sessionsOn(store).create(ADA);
    const updates = Array.from({ length: 40 }, async (_, index) => {
      const { session } = (await both[index % 2]?.fromToken(token)) ?? {};
      await session?.update((data) => {
        data.views += 1;
      });
    });
    await Promise.all(updates);
    strictEqual((await both[0]?.fromToken(token))?.session?.data.views, 40);
    for (const sessions of both) await sessions.close();
  },
  'data beyond maxDataBytes is refused': async (open) => {
    const sessions = sessionsOn(open(), { maxDataBytes: 100 });
    await rejects(() => sessions.create({ ...ADA, theme: 'x'.repeat(100) }), { code: 'INVALID_DATA' });
    strictEqual(await sessions.count(), 0);
    await sessions.close();
  },
};

const ENDS: Record<string, Run> = {
  'destroy is final': async (open) => {
    const sessions = sessionsOn(open());
    const { token } = await sessions.create(ADA);
    const [late, other] = [(await sessions.fromToken(token)).session, (await sessions.fromToken(token)).session];
    if (!late || !other) throw new Error('the session was not found');
    late.data.theme = 'dark';
    await other.destroy();
    await rejects(() => late.save(), { code: 'SESSION_GONE' });
    strictEqual((await sessions.fromToken(token)).session, null);
    await sessions.close();
  },
  'the idle and absolute limits end a session to the millisecond': async (open) => {
    let time = Date.UTC(2030, 0, 1);
    const options = { now: () => time, idleTimeout: '10m', absoluteTimeout: '15m', touchInterval: '1m' } as const;
    const sessions = sessionsOn(open(), options);
    const { token } = await sessions.create(ADA);
    const idle = await sessions.create(ADA);
    // A load counts as activity, where the last one is a minute ago.
    const isAlive = async (value: string): Promise<boolean> => (await sessions.fromToken(value)).session !== null;
    time += 10 * MINUTE - 1;
    strictEqual(await isAlive(token), true);
    time += 1;
    strictEqual(await isAlive(idle.token), false);
    time += 5 * MINUTE - 1;
    strictEqual(await isAlive(token), true);
    time += 1;
    strictEqual(await isAlive(token), false);
    await sessions.close();
  },
  'the signal of a session aborts when it is ended elsewhere': async (open) => {
    const store = open();
    const [here, there] = [sessionsOn(store, { recheckInterval: 50 }), sessionsOn(store)];
    const { token, id } = await here.create(ADA);
    const { session } = await here.fromToken(token);
    if (!session) throw new Error('the session was not found');
    const ended = aborted(session.signal);
    await there.destroy(id);
    await ended;
    strictEqual(Reflect.get(Object(session.signal.reason), 'code'), 'SESSION_GONE');
    await Promise.all([here.close(), there.close()]);
  },
  'the signal of a session aborts at its deadline': async (open) => {
    const sessions = sessionsOn(open(), { absoluteTimeout: 1_000 });
    const { token } = await sessions.create(ADA);
    const { session } = await sessions.fromToken(token);
    if (!session) throw new Error('the session was not found');
    await aborted(session.signal);
    strictEqual((await sessions.fromToken(token)).session, null);
    await sessions.close();
  },
  'an outage is an outage': async (open) => {
    const store = open();
    const { token } = await sessionsOn(store).create(ADA);
    const verbs = ['insert', 'replace', 'delete'] as const;
    const rest = Object.fromEntries(verbs.map((verb) => [verb, store[verb].bind(store)]));
    const down = (find: () => Promise<never>) => Object.assign(Object.create(store), rest, { find });
    const failing = sessionsOn(down(() => Promise.reject(new Error('connection refused'))));
    await rejects(() => failing.fromToken(token), { code: 'STORE_UNAVAILABLE', status: 503 });
    const hanging = sessionsOn(
      down(() => new Promise(() => undefined)),
      { storeTimeout: 50 },
    );
    await rejects(() => hanging.fromToken(token), { code: 'STORE_UNAVAILABLE', status: 503 });
    await Promise.all([failing.close(), hanging.close()]);
  },
};

const TOKENS: Record<string, Run> = {
  'a token that was tampered with is anonymous': async (open) => {
    const sessions = sessionsOn(open());
    const { token } = await sessions.create(ADA);
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const tampered = token.slice(0, at) + other + token.slice(at + 1);
      // The last character of a secret carries bits that no byte has, so such a text is not a
      // token.
      strictEqual((await sessions.fromToken(tampered)).session, null, `with another character at ${at}`);
    }
    for (const wrong of ['', 'ts_', `${token}x`, token.slice(0, -1), `${token}\u0000`]) {
      strictEqual((await sessions.fromToken(wrong)).session, null);
    }
    await sessions.close();
  },
  'parallel rotations give one token, and the old one ends after its grace': async (open) => {
    let time = Date.UTC(2030, 0, 1);
    const sessions = sessionsOn(open(), { now: () => time });
    const { token } = await sessions.create(ADA);
    const contexts = await Promise.all([1, 2, 3].map(() => sessions.fromToken(token)));
    const tokens = await Promise.all(contexts.map(({ session }) => session?.rotate()));
    strictEqual(new Set(tokens).size, 1);
    const [next] = tokens;
    notStrictEqual(next, token);
    ok((await sessions.fromToken(next)).session);
    ok((await sessions.fromToken(token)).session, 'the old token ended within its grace');
    time += 11_000;
    strictEqual((await sessions.fromToken(token)).session, null);
    let reuses = 0;
    sessions.on('reuse-detected', () => {
      reuses += 1;
    });
    time += 2 * MINUTE;
    strictEqual((await sessions.fromToken(token)).session, null);
    strictEqual(reuses, 1);
    ok((await sessions.fromToken(next)).session);
    await sessions.close();
  },
  'nothing that is printed has the token': async (open) => {
    const sessions = sessionsOn(open());
    const session = await sessions.create(ADA);
    const [, secret = ''] = session.token.split('.');
    const context = await sessions.fromToken(session.token);
    for (const value of [session, context, context.sessions, sessions]) {
      ok(!inspect(value, { depth: 20, showHidden: true }).includes(secret));
      ok(!(JSON.stringify(value) ?? '').includes(secret));
    }
    await sessions.close();
  },
  'a login over HTTP sets a cookie, and another site cannot': async (open) => {
    const sessions = cookieSessionsOn(open());
    const login = (headers: Record<string, string>): Promise<Response> =>
      sessions.handle(
        new Request('https://app.example/login', { method: 'POST', headers }),
        async ({ sessions: own }) => {
          await own.create(ADA);
          return new Response('welcome');
        },
      );
    const foreign = await login({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' });
    deepStrictEqual([foreign.status, cookieOf(foreign)], [403, '']);
    const answer = await login({ origin: 'https://app.example' });
    deepStrictEqual([answer.status, answer.headers.get('cache-control')], [200, 'no-store']);
    const request = new Request('https://app.example/', { headers: { cookie: cookieOf(answer) } });
    const me = await sessions.handle(request, ({ session }) => Response.json(session?.data ?? null));
    deepStrictEqual(await me.json(), ADA);
    await sessions.close();
  },
};

const ACCOUNTS: Record<string, Run> = {
  'the limit of an account is exact when many log in at once': async (open) => {
    const store = open();
    const evicting = sessionsOn(store, { maxPerOwner: { max: 3, onLimit: 'evict-oldest' } });
    await Promise.all(Array.from({ length: 9 }, () => evicting.create(ADA)));
    strictEqual((await evicting.listFor('ada')).length, 3);
    const denying = sessionsOn(store, { maxPerOwner: { max: 5, onLimit: 'deny' } });
    const logins = await Promise.allSettled(Array.from({ length: 6 }, () => denying.create(ADA)));
    const refused = logins.flatMap((login) => (login.status === 'rejected' ? [login.reason.code] : []));
    deepStrictEqual(refused, Array(4).fill('LIMIT_REACHED'));
    strictEqual((await denying.listFor('ada')).length, 5);
    await Promise.all([evicting.close(), denying.close()]);
  },
  'an account ends its other sessions, and no one else’s': async (open) => {
    const sessions = sessionsOn(open());
    const [first, second] = [await sessions.create(ADA), await sessions.create(ADA)];
    const bob = await sessions.create({ ...ADA, userId: 'bob' });
    const { sessions: own } = await sessions.fromToken(first.token);
    deepStrictEqual((await own.list()).map(({ id }) => id).sort(), [first.id, second.id].sort());
    strictEqual(await own.destroy(bob.id), false);
    await own.destroyOthers();
    deepStrictEqual([await sessions.find(second.id), (await sessions.find(bob.id))?.id], [null, bob.id]);
    await sessions.destroyFor('ada');
    deepStrictEqual([await sessions.find(first.id), await sessions.count()], [null, 1]);
    await sessions.close();
  },
  'a sweep removes what expired, and nothing else': async (open) => {
    let time = Date.UTC(2030, 0, 1);
    const sessions = sessionsOn(open(), {
      now: () => time,
      idleTimeout: '1h',
      absoluteTimeout: '1d',
      sweepInterval: false,
    });
    for (let left = 0; left < 30; left += 1) await sessions.create(ADA);
    time += 3 * 60 * MINUTE;
    const alive = await sessions.create(ADA);
    await sessions.sweep();
    deepStrictEqual([await sessions.count(), (await sessions.find(alive.id))?.id], [1, alive.id]);
    await sessions.close();
  },
};

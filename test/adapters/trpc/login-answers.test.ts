import { describe, expect, test } from 'vitest';
import { fail } from './support/fail.js';
import { httpHosts, overStandalone } from './support/hosts.js';
import { WRITTEN } from './support/logins.js';
import { type RouterKit, startRouter } from './support/router.js';

describe('logins of one batch', () => {
  const logins = ({ t, open, own }: RouterKit) =>
    t.router({
      bob: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).token),
      carol: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'carol' })).token),
      eve: open.mutation(async ({ ctx }) => {
        await ctx.sessions.create({ userId: 'eve' });
        return fail();
      }),
      logout: own.mutation(({ ctx }) => ctx.session.destroy()),
      rotate: own.mutation(({ ctx }) => ctx.session.rotate()),
    });

  test('rule 24: the answer carries one token, of the last successful login; the others’ sessions are ended', async () => {
    const { client, sessions, heads } = await startRouter(logins, { sessions: WRITTEN });
    const ours = client();
    const tokens = await Promise.all(['bob', 'carol', 'eve'].map((path) => ours.mutate(path)));
    const written = heads[0]?.get('x-auth-token') ?? '';
    expect(tokens).toContain(written);
    expect(heads[0]?.getSetCookie().map((each) => each.split(';')[0])).toEqual([`session=${written}`]);
    const alive = await Promise.all(
      tokens.slice(0, 2).map(async (token) => (await sessions.fromToken(String(token))).session !== null),
    );
    expect(alive).toEqual(tokens.slice(0, 2).map((token) => token === written));
    expect(await sessions.listFor('eve')).toEqual([]);
  });

  test('rule 18: several logins of one account in a batch, of which one stays, evict no other device', async () => {
    const maxPerOwner = { max: 2, onLimit: 'evict-oldest' } as const;
    const { client, sessions, heads } = await startRouter(logins, { sessions: { ...WRITTEN, maxPerOwner } });
    const device = await sessions.create({ userId: 'bob' });
    const ours = client();
    await Promise.all(['bob', 'bob', 'bob'].map((path) => ours.mutate(path)));
    const alive = (await sessions.listFor('bob')).map(({ id }) => id);
    expect(alive).toHaveLength(2);
    expect(alive).toContain(device.id);
    expect(heads[0]?.get('x-auth-token')).toContain(alive.find((id) => id !== device.id));
  });

  test('if no source writes, each login of a batch has its own session', async () => {
    const { client, sessions } = await startRouter(logins);
    const ours = client();
    await Promise.all(['bob', 'carol'].map((path) => ours.mutate(path)));
    expect([(await sessions.listFor('bob')).length, (await sessions.listFor('carol')).length]).toEqual([1, 1]);
  });

  test.each([
    ['logout', 'bob'],
    ['bob', 'logout'],
    ['logout', 'eve'],
    ['rotate', 'bob'],
    ['bob', 'rotate'],
  ])('rule 24: in [%s, %s] a deletion is written only if no call leaves a new session', async (...paths) => {
    const { client, sessions, heads } = await startRouter(logins, { sessions: WRITTEN });
    const session = await sessions.create({ userId: 'ann' });
    const ours = client(undefined, 'batch', { cookie: `session=${session.token}` });
    await Promise.all(paths.map((path) => ours.mutate(path)));
    const [written = ''] = heads[0]?.getSetCookie() ?? [];
    const [bob] = await sessions.listFor('bob');
    if (bob) expect(written).toContain(`session=ts_${bob.id}.`);
    else expect(written).toMatch(/^session=;/);
    expect(heads[0]?.getSetCookie()).toHaveLength(1);
  });

  test('rule 24: a token goes to the source that the request’s token came from', async () => {
    const { client, sessions, heads } = await startRouter(logins, { sessions: WRITTEN });
    const session = await sessions.create({ userId: 'ann' });
    await client(undefined, 'batch', { 'x-auth-token': session.token }).mutate('bob');
    expect([heads[0]?.getSetCookie(), heads[0]?.get('x-auth-token')]).toEqual([[], expect.stringMatching(/^ts_/)]);
    const another = await sessions.create({ userId: 'ann' });
    await client(undefined, 'batch', { cookie: `session=${another.token}` }).mutate('bob');
    expect([heads[1]?.getSetCookie().length, heads[1]?.get('x-auth-token')]).toEqual([1, null]);
  });
});

describe.each(httpHosts)('the answer with a token over %s', (name, serve) => {
  /** The application's own headers, as applications of this host set them. */
  function setHeader(options: object, header: string, value: string): void {
    const res: unknown = Reflect.get(options, 'res');
    const resHeaders: unknown = Reflect.get(options, 'resHeaders');
    if (resHeaders instanceof Headers) {
      if (header === 'set-cookie') resHeaders.append(header, value);
      else resHeaders.set(header, value);
      return;
    }
    const append = [Reflect.get(Object(res), 'appendHeader'), Reflect.get(Object(res), 'header')].find(
      (each) => typeof each === 'function',
    );
    const set =
      header === 'set-cookie' ? append : Reflect.get(Object(res), name === 'fastify' ? 'header' : 'setHeader');
    Reflect.apply(set, res, [header, value]);
  }

  const build = ({ t, open }: RouterKit) =>
    t.router({
      login: open.mutation(async ({ ctx }) => {
        const set = (header: string, value: string) => Reflect.get(ctx, 'setHeader')(header, value);
        set('set-cookie', 'before=1');
        const { token } = await ctx.sessions.create({ userId: 'bob' });
        set('set-cookie', 'after=1; Path=/');
        set('cache-control', 'public, max-age=60');
        return token;
      }),
      rotate: open.mutation(async ({ ctx }) => {
        const token = await ctx.session?.rotate();
        Reflect.get(ctx, 'setHeader')('cache-control', 'public, max-age=60');
        return token;
      }),
    });
  const extend = (options: object) => ({
    setHeader: (header: string, value: string) => setHeader(options, header, value),
  });

  test('rule 24: is no-store in the end, and keeps all cookies, including the application’s', async () => {
    const { client, heads } = await startRouter(build, { serve, sessions: WRITTEN, extend });
    const token = await client(undefined, 'single').mutate('login');
    const head = heads[0];
    expect(head?.get('cache-control')).toContain('no-store');
    expect(head?.get('cache-control')).not.toContain('public');
    expect(
      head
        ?.getSetCookie()
        .map((each) => each.split(';')[0])
        .sort(),
    ).toEqual(['after=1', 'before=1', `session=${token}`]);
    expect(head?.get('x-auth-token')).toBe(token);
  });

  test('rule 24: a rotation is no-store in the end', async () => {
    const { client, sessions, heads } = await startRouter(build, { serve, sessions: WRITTEN, extend });
    const session = await sessions.create({ userId: 'ann' });
    await client(undefined, 'single', { 'x-auth-token': session.token }).mutate('rotate');
    expect(heads[0]?.get('cache-control')).toContain('no-store');
    expect(heads[0]?.get('cache-control')).not.toContain('public');
  });

  test('rule 24: with bearer() alone, a mutation that created is no-store too', async () => {
    const { client, heads } = await startRouter(build, { serve, extend });
    await client(undefined, 'single').mutate('login');
    expect(heads[0]?.get('cache-control')).toContain('no-store');
  });
});

test('rule 18: after the head was sent nothing is undone: a streamed login stays even if its neighbour fails', async () => {
  const { client, sessions } = await startRouter(
    ({ t, open }) =>
      t.router({
        login: open.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'bob' })).token),
        fail: open.mutation(fail),
      }),
    { serve: overStandalone },
  );
  const ours = client(undefined, 'stream');
  const [token] = await Promise.all([ours.mutate('login'), ours.mutate('fail')]);
  expect((await sessions.fromToken(String(token))).session?.data.userId).toBe('bob');
});

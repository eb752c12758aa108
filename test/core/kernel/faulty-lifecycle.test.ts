import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../support/faulty-store.js';
import { countUp, GONE, setUp, UNAVAILABLE } from './support/faulty.js';

describe('create', () => {
  test('a create whose insert was written but not answered hands out the one session that was stored', async () => {
    const { store, sessions, others } = await setUp();
    store.fail('insert', 'lost');
    const { token } = await sessions.create({ user: 'eve', views: 0 });
    expect((await others.fromToken(token)).session?.data.user).toBe('eve');
    expect([store.calls.insert, await others.count()]).toEqual([2, 2]);
  });

  test.each<Fault>(['refused', 'mute', 'deaf', 'late'])(
    'invariant 6: an insert that is %s makes create fail with STORE_UNAVAILABLE, and hands out nothing',
    async (fault) => {
      const { store, sessions, others } = await setUp();
      const created: string[] = [];
      sessions.on('created', ({ id }) => created.push(id));
      store.fail('insert', fault);
      await expect(sessions.create({ user: 'eve', views: 0 })).rejects.toMatchObject(UNAVAILABLE);
      expect(created).toEqual([]);
      await store.arrive();
      // An insert that arrives late stores a session without a holder.
      expect(await others.count()).toBe(fault === 'mute' || fault === 'late' ? 2 : 1);
    },
  );

  test('a login fails if it cannot end the previous session, and the request keeps that session', async () => {
    const { store, sessions, token, load } = await setUp();
    const context = await sessions.fromToken(token);
    store.fail('delete', 'refused');
    await expect(context.sessions.create({ user: 'eve', views: 0 })).rejects.toMatchObject(UNAVAILABLE);
    expect(context.sessions.current?.data.user).toBe('ada');
    expect((await load())?.data.user).toBe('ada');
  });
});

describe('rotate', () => {
  test('a rotation whose answer was lost returns the token that the store has', async () => {
    const { store, sessions, mine, token } = await setUp();
    store.fail('replace', 'lost');
    const next = await mine.rotate();
    expect(store.done.replace).toBe(1);
    expect((await sessions.fromToken(token)).session).not.toBeNull();
    expect((await sessions.fromToken(next)).session).not.toBeNull();
  });

  test.each<Fault>(['refused', 'mute', 'deaf', 'late'])(
    'a rotation that is %s leaves the old token valid, and that token can rotate again',
    async (fault) => {
      const { store, sessions, mine, token, load } = await setUp();
      store.fail('replace', fault);
      await expect(mine.rotate()).rejects.toMatchObject(UNAVAILABLE);
      const next = await (await load(sessions))?.rotate();
      await store.arrive();
      expect((await sessions.fromToken(token)).session).not.toBeNull();
      expect((await sessions.fromToken(next)).session).not.toBeNull();
    },
  );
});

describe('destroy', () => {
  test('invariant 5: a destroy whose answer was lost has ended the session', async () => {
    const { store, sessions, mine, load, id } = await setUp();
    const destroyed: string[] = [];
    sessions.on('destroyed', (event) => destroyed.push(event.id));
    store.fail('delete', 'lost');
    await mine.destroy();
    expect(await load()).toBeNull();
    expect(destroyed).toEqual([id]);
  });

  test.each<Fault>(['refused', 'deaf'])(
    'invariant 6: a destroy that is %s rejects, and can be repeated',
    async (fault) => {
      const { store, mine, load } = await setUp();
      store.fail('delete', fault);
      await expect(mine.destroy()).rejects.toMatchObject(UNAVAILABLE);
      expect((await load())?.data.user).toBe('ada');
      expect(await mine.update(countUp)).toMatchObject({ views: 1 });
      await mine.destroy();
      expect(await load()).toBeNull();
    },
  );

  test('invariant 2: a destroy that arrives after its time-out ends the session permanently', async () => {
    const { store, mine, load } = await setUp();
    store.fail('delete', 'late');
    await expect(mine.destroy()).rejects.toMatchObject(UNAVAILABLE);
    store.fail('replace', 'late');
    await expect(mine.update(countUp)).rejects.toMatchObject(UNAVAILABLE);
    // The delete comes first, then the write that was under way beside it.
    await store.arrive();
    expect(await load()).toBeNull();
    await expect(mine.update(countUp)).rejects.toMatchObject(GONE);
  });
});

test('invariant 3: whatever fails, an acknowledged call counts once, and any other call at most once', async () => {
  const fault = fc.constantFrom<(Fault | undefined)[]>('lost', 'refused', undefined, undefined);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { maxLength: 12 }),
      fc.array(fault, { maxLength: 12 }),
      async (replaces, finds) => {
        const { store, mine, load } = await setUp();
        store.fail('replace', ...replaces);
        store.fail('find', ...finds);
        let acknowledged = 0;
        for (let tries = 0; tries < 8; tries += 1) {
          const outcome = await mine.update(countUp).catch((error: unknown) => error);
          if (outcome instanceof Error) expect(outcome).toMatchObject(UNAVAILABLE);
          else acknowledged += 1;
        }
        const views = (await load())?.data.views ?? 0;
        expect(views).toBe(store.done.replace);
        expect(views).toBeGreaterThanOrEqual(acknowledged);
        const unanswered = 8 - acknowledged;
        expect(views).toBeLessThanOrEqual(acknowledged + unanswered);
      },
    ),
  );
});

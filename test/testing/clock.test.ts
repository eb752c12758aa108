import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSessions, memoryStore } from '../../src/index.js';
import { signedIn } from '../../src/testing/index.js';

const DAY = 24 * 60 * 60 * 1_000;

afterEach(() => void vi.useRealTimers());

describe('the clock of a test runner moves the library', () => {
  test.each([
    ['the default store', () => undefined],
    ['a store of its own', () => memoryStore()],
  ])('the library follows it with %s', async (_, storeOf) => {
    const start = Date.UTC(2030, 0, 1);
    const store = storeOf();
    // Both are made before the clock is replaced, like those of an application.
    const sessions = createSessions<{ userId: string }>({ store, idleTimeout: '7d' });
    vi.setSystemTime(start);
    const used = await signedIn(sessions, { userId: 'ada' });
    const unused = await signedIn(sessions, { userId: 'bob' });
    expect(used.context.session?.createdAt).toBe(start);
    vi.setSystemTime(start + 7 * DAY - 1);
    expect((await sessions.fromToken(used.token)).session).not.toBeNull();
    vi.setSystemTime(start + 7 * DAY);
    expect((await sessions.fromToken(unused.token)).session).toBeNull();
    // By now, or at the latest with the next write, the store has forgotten everything that has
    // expired.
    vi.setSystemTime(start + 20 * DAY);
    await sessions.create({ userId: 'eve' });
    expect(await sessions.count()).toBe(1);
  });
});

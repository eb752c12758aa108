import { expect, test } from 'vitest';
import { createSessions, memoryStore } from '../../../src/index.js';

interface Data {
  cart: string[];
  user?: { id: string };
}

/** A session from before the option `ownerOf`, whose data `ownerOf` does not understand. */
async function setUp() {
  const store = memoryStore();
  const { token } = await createSessions<Data>({ store }).create({ cart: [] });
  // As in an application without strict types: it throws where there is no user.
  const ownerOf = (data: Data) => (data as Required<Data>).user.id;
  const sessions = createSessions<Data>({ store, ownerOf });
  const load = async () => {
    const { session } = await sessions.fromToken(token);
    if (!session) throw new Error('the session is gone');
    return session;
  };
  return { load };
}

test('rule 27: data from before ownerOf that it does not understand can still be changed', async () => {
  const { load } = await setUp();
  const session = await load();
  session.data.cart = ['tea'];
  await session.save();
  await session.update((data) => {
    data.cart.push('milk');
  });
  expect((await load()).data).toEqual({ cart: ['tea', 'milk'] });
});

test('a change cannot give such a session to an account', async () => {
  const { load } = await setUp();
  const session = await load();
  session.data.user = { id: 'ada' };
  await expect(session.save()).rejects.toMatchObject({
    code: 'INVALID_DATA',
    message: expect.stringContaining('another owner'),
  });
});

test('a change that ownerOf no longer understands is refused', async () => {
  const sessions = createSessions<Data>({ ownerOf: (data) => (data as Required<Data>).user.id });
  const session = await sessions.create({ cart: [], user: { id: 'ada' } });
  delete session.data.user;
  await expect(session.save()).rejects.toMatchObject({
    code: 'INVALID_DATA',
    message: expect.stringContaining('ownerOf'),
  });
});

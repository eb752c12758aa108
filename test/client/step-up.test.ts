import { describe, expect, test, vi } from 'vitest';
import { createSessionClient, type StepUpNeed } from '../../src/client/index.js';
import { changesOf } from './support/fake-browser.js';
import { type Arrival, ok, type Scripted, scripted, stepUp } from './support/scripted.js';
import { idOf, newToken } from './support/tokens.js';

const API = 'https://api.example';

interface Dialog {
  readonly need: StepUpNeed;
  close(isProven: boolean): void;
}

/** A client whose dialogs stay open until the test closes them. */
function clientOf(answer: (arrival: Arrival, index: number) => Response | Promise<Response>) {
  const dialogs: Dialog[] = [];
  const server: Scripted = scripted(answer);
  const onStepUp = (need: StepUpNeed) => new Promise<boolean>((close) => dialogs.push({ need, close }));
  const session = createSessionClient({ storage: 'memory', origins: [API], fetch: server.fetch, onStepUp });
  return { ...server, session, dialogs };
}

/** A server that accepts only the tokens in `fresh`. */
function fresh(...tokens: readonly string[]) {
  return ({ token }: Arrival): Response => (token && tokens.includes(token) ? ok() : stepUp(300));
}

test('parallel refusals open one dialog, and all requests are repeated with the new token', async () => {
  const token = newToken();
  const next = newToken(idOf(token));
  const { session, dialogs, arrivals } = clientOf(fresh(next));
  await session.set(token);
  const pending = [1, 2, 3].map((each) => session.fetch(`${API}/${each}`));
  await vi.waitFor(() => expect(arrivals).toHaveLength(3));
  await vi.waitFor(() => expect(dialogs).toHaveLength(1));
  await session.set(next);
  dialogs[0]?.close(true);
  expect((await Promise.all(pending)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(dialogs).toHaveLength(1);
  expect(dialogs[0]?.need).toEqual({ maxAge: 300 });
  expect(arrivals).toHaveLength(6);
});

test('other requests continue while the dialog is open', async () => {
  const { session, dialogs } = clientOf(({ url }) => (url.endsWith('/secret') ? stepUp() : ok()));
  await session.set(newToken());
  const secret = session.fetch(`${API}/secret`);
  await vi.waitFor(() => expect(dialogs).toHaveLength(1));
  expect((await session.fetch(`${API}/other`)).status).toBe(200);
  expect(dialogs[0]?.need).toEqual({});
  dialogs[0]?.close(false);
  expect((await secret).status).toBe(401);
});

test('a cancelled dialog keeps the refusal and the session, and the next refusal asks again', async () => {
  const { session, dialogs, arrivals } = clientOf(() => stepUp());
  await session.set(newToken());
  const changes = changesOf(session);
  for (const count of [1, 2]) {
    const pending = session.fetch(API);
    await vi.waitFor(() => expect(dialogs).toHaveLength(count));
    dialogs.at(-1)?.close(false);
    expect((await pending).status).toBe(401);
  }
  expect(arrivals).toHaveLength(2);
  expect(changes).toEqual([]);
});

test('a refusal that arrives after the dialog is repeated without another dialog', async () => {
  const token = newToken();
  const next = newToken(idOf(token));
  const late: (() => void)[] = [];
  const { session, dialogs, arrivals } = clientOf((arrival) => {
    const answer = fresh(next)(arrival);
    return arrival.url.endsWith('/slow') && arrival.token === token
      ? new Promise((resolve) => late.push(() => resolve(answer)))
      : answer;
  });
  await session.set(token);
  const [slow, fast] = [session.fetch(`${API}/slow`), session.fetch(`${API}/fast`)];
  await vi.waitFor(() => expect(dialogs).toHaveLength(1));
  await session.set(next);
  dialogs[0]?.close(true);
  await fast;
  late[0]?.();
  expect((await slow).status).toBe(200);
  expect(dialogs).toHaveLength(1);
  expect(arrivals).toHaveLength(4);
});

test('a token that was only rotated since does not replace the dialog', async () => {
  const token = newToken();
  const rotated = newToken(idOf(token));
  const next = newToken(idOf(token));
  const { session, dialogs } = clientOf(({ token: sent }) =>
    sent === next ? ok() : stepUp(60, { 'session-token': rotated }),
  );
  await session.set(token);
  const pending = session.fetch(API);
  await vi.waitFor(() => expect(dialogs).toHaveLength(1));
  expect(await session.token()).toBe(rotated);
  await session.set(next);
  dialogs[0]?.close(true);
  expect((await pending).status).toBe(200);
});

test('a repetition that is refused again is the answer, without a second dialog', async () => {
  const { session, dialogs, arrivals } = clientOf(() => stepUp());
  const token = newToken();
  await session.set(token);
  const pending = session.fetch(API);
  await vi.waitFor(() => expect(dialogs).toHaveLength(1));
  dialogs[0]?.close(true);
  expect((await pending).status).toBe(401);
  expect(arrivals).toHaveLength(2);
  expect(dialogs).toHaveLength(1);
  expect(await session.token()).toBe(token);
});

test('nothing is repeated if another session has begun, or if none is left', async () => {
  for (const end of ['clear', 'set'] as const) {
    const { session, dialogs, arrivals } = clientOf(() => stepUp());
    await session.set(newToken());
    const pending = session.fetch(API);
    await vi.waitFor(() => expect(dialogs).toHaveLength(1));
    await (end === 'set' ? session.set(newToken()) : session.clear());
    dialogs[0]?.close(true);
    expect((await pending).status).toBe(401);
    expect(arrivals).toHaveLength(1);
  }
});

describe('onStepUp', () => {
  test('counts as cancelled if it fails, and the error is shown', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    const failures = [
      () => {
        throw new Error('thrown');
      },
      () => Promise.reject(new Error('rejected')),
    ];
    for (const onStepUp of failures) {
      const session = createSessionClient({
        storage: 'memory',
        origins: [API],
        fetch: scripted(() => stepUp()).fetch,
        onStepUp,
      });
      await session.set(newToken());
      expect((await session.fetch(API)).status).toBe(401);
    }
    expect(errors.mock.calls.map(([error]) => String(error))).toEqual(['Error: thrown', 'Error: rejected']);
    errors.mockRestore();
  });

  test('is optional: without it, the refusal is the answer', async () => {
    const server = scripted(() => stepUp());
    const session = createSessionClient({ storage: 'memory', origins: [API], fetch: server.fetch });
    await session.set(newToken());
    expect((await session.fetch(API)).status).toBe(401);
    expect(server.arrivals).toHaveLength(1);
  });
});

describe('recover', () => {
  const refusal = { data: { sessionCode: 'STEP_UP_REQUIRED' } };

  test('shares the dialog with fetch, and knows a token that was set since', async () => {
    const token = newToken();
    const { session, dialogs } = clientOf(() => stepUp());
    await session.set(token);
    const pending = [session.recover(refusal, token), session.recover(refusal, token)];
    await vi.waitFor(() => expect(dialogs).toHaveLength(1));
    await session.set(newToken(idOf(token)));
    dialogs[0]?.close(true);
    expect(await Promise.all(pending)).toEqual([true, true]);
    expect(await session.recover(refusal, token)).toBe(true);
    expect(dialogs).toHaveLength(1);
  });

  test('does not ask again for an answer that fetch has already asked about', async () => {
    const { session, dialogs } = clientOf(() => stepUp());
    const token = newToken();
    await session.set(token);
    const pending = session.fetch(API);
    await vi.waitFor(() => expect(dialogs).toHaveLength(1));
    dialogs[0]?.close(false);
    expect(await session.recover({ ...refusal, meta: { response: await pending } }, token)).toBe(false);
    expect(dialogs).toHaveLength(1);
  });
});

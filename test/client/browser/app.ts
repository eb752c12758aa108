import { createSessionClient, type SessionChange } from '../../../src/client/index.js';

/* Each tab of the browser test runs this: requests without end, and the calls of the test. */

const storage = new URL(location.href).searchParams.get('storage') === 'cookie' ? 'cookie' : 'local';
const session = createSessionClient({ storage });
const changes: SessionChange[] = [];
session.subscribe((change) => changes.push(change));
let isWorking = false;

/** The body of a successful answer. */
async function post(path: string): Promise<string | undefined> {
  try {
    const response = await session.fetch(path, { method: 'POST' });
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}

async function untilDone(path: string): Promise<string> {
  for (;;) {
    const text = await post(path);
    if (text !== undefined) return text;
  }
}

const app = {
  snapshot: () => session.getSnapshot() ?? null,
  token: () => session.token(),
  changes: () => changes.splice(0),
  set: (token: string) => session.set(token),
  async login(): Promise<string> {
    const token = await untilDone('/login');
    await (storage === 'cookie' ? session.set() : session.set(token));
    return token;
  },
  async logout(): Promise<void> {
    // A session that is gone counts as ended.
    if (session.getSnapshot())
      await Promise.race([untilDone('/logout'), new Promise((resolve) => setTimeout(resolve, 1_000))]);
    await session.clear();
  },
  async work(pause: number): Promise<void> {
    isWorking = true;
    while (isWorking) {
      await new Promise((resolve) => setTimeout(resolve, pause * Math.random()));
      const byHand = storage === 'local' && Math.random() < 0.3;
      const token = await post(byHand ? '/rotate' : '/me');
      if (byHand && token) await session.set(token);
    }
  },
  stop: () => {
    isWorking = false;
  },
};

export type App = typeof app;
Object.assign(globalThis, { app });

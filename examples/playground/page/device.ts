import { createSessionClient, type SessionChange, sessionProblem } from 'token-sessions/client';
import type { Api } from './api.js';
import type { DeviceView } from './device-view.js';
import { overGraphql } from './graphql.js';
import { unreliableNetwork } from './network.js';
import { overTrpc } from './trpc.js';

export type Protocol = 'trpc' | 'graphql';

/** A device: a session of its own, and what its buttons do. */
export function startDevice(name: string, view: DeviceView, protocol: Protocol) {
  const network = unreliableNetwork();
  const session = createSessionClient({
    key: `playground-${name.toLowerCase()}`, // Two devices in one page: each keeps its own token.
    fetch: network.fetch,
    onStepUp: () => view.askPassword((password) => api.confirm(password)),
  });
  let api: Api = connect(protocol);
  let stopNews = (): void => {};
  let messages = 0;

  function connect(over: Protocol): Api {
    return over === 'trpc' ? overTrpc(session) : overGraphql(session);
  }

  /** What each button does, and the sentence that tells of it. The server's new tokens come to `session` in headers. */
  const actions: Record<string, () => Promise<string>> = {
    count: async () => `Counted to ${await api.countUp()}.`,
    async 'count-20'() {
      const before = (await api.me()).count;
      await Promise.all(Array.from({ length: 20 }, () => api.countUp()));
      const { count } = await api.me();
      return `20 requests at once: from ${before} to ${count}. ${count - before >= 20 ? 'None was lost.' : 'Some were lost!'}`;
    },
    async rotate() {
      await api.rotate();
      return 'Rotated. The old token works for ten more seconds.';
    },
    async 'rotate-lost'() {
      network.loseNextToken();
      await api.rotate().catch((error) => {
        if (!network.lost) throw error;
        view.log('warning', `The answer was lost, with the new token ${ending(network.lost)}.`);
      });
      await api.rotate();
      const token = await session.token();
      return `Asked again, and got ${ending(token)}: ${token === network.lost ? 'the same token.' : 'another token!'}`;
    },
    'recovery-code': async () => `The recovery code is ${await api.recoveryCode()}.`,
    async logout() {
      await api.logout();
      return 'Logged out.';
    },
    async 'logout-everywhere'() {
      await api.logoutEverywhere();
      return 'Logged out on all devices.';
    },
  };

  async function run(action: () => Promise<string>): Promise<void> {
    try {
      view.log('done', await action());
    } catch (error) {
      view.log('warning', explain(error));
    }
  }

  /** Shows the session as it is now. */
  async function show(): Promise<void> {
    stopNews();
    const token = await session.token();
    view.showToken(token);
    view.showSignedIn(token !== null);
    if (token !== null) follow();
    else if (messages > 0) view.showLive('ended', messages);
  }

  /** Live updates. The first one comes with each connection: then all that was missed is loaded. */
  function follow(): void {
    stopNews();
    let isOver = false;
    let retry: ReturnType<typeof setTimeout> | undefined;
    messages = 0;
    view.showLive('waiting', messages);
    const stop = api.news({
      onNews({ type, count }) {
        messages += 1;
        view.showLive('live', messages);
        if (count != null) view.showCount(count);
        if (type === 'begun' || type === 'devices') void load();
      },
      onEnd() {
        if (isOver) return;
        view.showLive('ended', messages);
        // The session has not: the store may be away.
        retry = setTimeout(follow, 1_000);
      },
    });
    stopNews = () => {
      isOver = true;
      clearTimeout(retry);
      stop();
    };
  }

  async function load(): Promise<void> {
    try {
      const [user, devices] = await Promise.all([api.me(), api.devices()]);
      view.showUser(user.userId);
      view.showCount(user.count);
      view.showDevices(devices);
    } catch (error) {
      view.log('warning', explain(error));
    }
  }

  async function changed({ type, reason }: SessionChange): Promise<void> {
    if (type === 'rotated') return view.showToken(await session.token());
    if (type === 'ended' && reason === 'refused') view.log('warning', 'The server has ended this session, and with it the live updates.');
    await show();
  }

  view.onAction((action) => run(async () => (await actions[action]?.()) ?? ''));
  view.onEnd((id, device) =>
    run(async () => {
      await api.endDevice(id);
      return `Ended the session of ${device}.`;
    }),
  );
  view.onLogin((credentials) =>
    run(async () => {
      await api.login({ ...credentials, device: name });
      return `Logged in as ${credentials.name}.`;
    }),
  );
  session.subscribe((change) => void changed(change));
  void show();

  return {
    talk(over: Protocol): void {
      stopNews();
      api.close();
      api = connect(over);
      void show();
    },
  };
}

function explain(error: unknown): string {
  switch (sessionProblem(error)) {
    case 'ended':
      return 'This session has ended: log in again.';
    case 'step-up':
      return 'Not without the password.';
    case 'replaced':
      return 'Another tab was faster: try again.';
    case 'unavailable':
      return 'The store is away (503). Nobody is logged out.';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Tokens are secrets: the page shows how they end. */
function ending(token: string | null): string {
  return `…${token?.slice(-4)}`;
}

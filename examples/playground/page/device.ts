import { createSessionClient, type SessionChange, type SessionClient } from 'token-sessions/client';
import { deviceActions } from './actions.js';
import type { Api } from './api.js';
import type { DeviceView } from './device-view.js';
import { explain } from './explain.js';
import { overGraphql } from './graphql.js';
import { LiveUpdates } from './live.js';
import { type Network, unreliableNetwork } from './network.js';
import { overTrpc } from './trpc.js';

export type Protocol = 'trpc' | 'graphql';

/** The objects that the parts of a device share. */
export interface Device {
  readonly session: SessionClient;
  readonly network: Network;
  readonly view: DeviceView;
  /** The server, over the protocol that is chosen. */
  api: Api;
}

/** A device: a session of its own, what shows it, and what its buttons do. */
export function startDevice(name: string, view: DeviceView, protocol: Protocol): { talk(protocol: Protocol): void } {
  const network = unreliableNetwork();
  const session = createSessionClient({
    key: `playground-${name.toLowerCase()}`, // Two devices in one page: each keeps its own token.
    fetch: network.fetch,
    onStepUp: () => view.askPassword((password) => device.api.confirm(password)),
  });
  const device: Device = { session, network, view, api: connect(session, protocol) };
  const live = new LiveUpdates(device);
  const actions = deviceActions(device);

  /** Shows the session as it is now. */
  async function show(): Promise<void> {
    live.stop();
    const token = await session.token();
    view.showToken(token);
    view.showSignedIn(token !== null);
    if (token === null) live.showEnd();
    else live.follow();
  }

  async function changed({ type, reason }: SessionChange): Promise<void> {
    if (type === 'rotated') return view.showToken(await session.token());
    if (reason === 'refused') view.log('warning', 'The server has ended this session, and with it the live updates.');
    return show();
  }

  /** Runs an action and logs what it has done, or why it has failed. */
  async function run(action: (() => Promise<string>) | undefined): Promise<void> {
    try {
      if (action) view.log('done', await action());
    } catch (error) {
      view.log('warning', explain(error));
    }
  }

  view.onLogin(({ name: user, password }) => run(() => actions.login({ name: user, password, device: name })));
  view.onAction((action) => run(actions.buttons[action]));
  view.onEnd((id, ofDevice) => run(() => actions.endDevice(id, ofDevice)));
  session.subscribe((change) => void changed(change));
  void show();

  return {
    talk(over) {
      live.stop();
      device.api.close();
      device.api = connect(session, over);
      void show();
    },
  };
}

function connect(session: SessionClient, protocol: Protocol): Api {
  return protocol === 'trpc' ? overTrpc(session) : overGraphql(session);
}

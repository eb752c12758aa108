import type { Api } from './api.js';
import type { Device } from './device.js';

type Action = () => Promise<string>;

/**
 * The actions that a person can do on a device. Each resolves to the sentence that describes it.
 * New tokens come in a header of the answers: the session's client takes them on its own.
 */
export function deviceActions(device: Device) {
  const { session, network, view } = device;

  const buttons: Readonly<Record<string, Action>> = {
    count: async () => `Counted to ${await device.api.countUp()}.`,

    async 'count-20'() {
      const before = (await device.api.me()).count;
      await Promise.all(Array.from({ length: 20 }, () => device.api.countUp()));
      const { count } = await device.api.me();
      return `20 requests at once: from ${before} to ${count}. ${count - before >= 20 ? 'None was lost.' : 'Some were lost!'}`;
    },

    async rotate() {
      await device.api.rotate();
      return 'Rotated. The old token works for ten more seconds.';
    },

    async 'rotate-lost'() {
      network.loseNextToken();
      await device.api.rotate().catch((error) => {
        if (!network.lost) throw error;
        view.log('warning', `The answer was lost, with the new token ${ending(network.lost)}.`);
      });
      await device.api.rotate();
      const token = await session.token();
      return `Asked again, and got ${ending(token)}: ${token === network.lost ? 'the same token.' : 'another token!'}`;
    },

    'recovery-code': async () => `The recovery code is ${await device.api.recoveryCode()}.`,

    async logout() {
      await device.api.logout();
      return 'Logged out.';
    },

    async 'logout-everywhere'() {
      await device.api.logoutEverywhere();
      return 'Logged out on all devices.';
    },
  };

  return {
    buttons,

    async login(credentials: Parameters<Api['login']>[0]): Promise<string> {
      await device.api.login(credentials);
      return `Logged in as ${credentials.name}.`;
    },

    async endDevice(id: string, name: string): Promise<string> {
      await device.api.endDevice(id);
      return `Ended the session of ${name}.`;
    },
  };
}

/** Tokens are secrets: the page shows how they end. */
function ending(token: string | null): string {
  return `…${token?.slice(-4)}`;
}

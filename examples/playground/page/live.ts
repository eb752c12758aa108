import type { Device } from './device.js';
import { explain } from './explain.js';

/** How long to wait after the server has ended the updates, but not the session. */
const PAUSE = 1_000;

/** The subscription of a device. */
export class LiveUpdates {
  readonly #device: Device;
  #messages = 0;
  #unsubscribe = (): void => {};

  constructor(device: Device) {
    this.#device = device;
  }

  follow(): void {
    this.stop();
    this.#messages = 0;
    let isOver = false;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const unsubscribe = this.#device.api.news({
      onNews: (news) => this.#take(news),
      onEnd: () => {
        if (isOver) return;
        this.#device.view.showLive('ended', this.#messages);
        // The session has not ended: the store may be away.
        retry = setTimeout(() => this.follow(), PAUSE);
      },
    });
    this.#unsubscribe = () => {
      isOver = true;
      clearTimeout(retry);
      unsubscribe();
    };
    this.#device.view.showLive('waiting', 0);
  }

  stop(): void {
    this.#unsubscribe();
    this.#unsubscribe = () => {};
  }

  /** The session has ended. */
  showEnd(): void {
    if (this.#messages > 0) this.#device.view.showLive('ended', this.#messages);
  }

  #take({ type, count }: { readonly type: string; readonly count?: number | null }): void {
    this.#messages += 1;
    this.#device.view.showLive('live', this.#messages);
    if (count != null) this.#device.view.showCount(count);
    // It begins with each connection: what was missed meanwhile is loaded then.
    if (type === 'begun' || type === 'devices') void this.#load();
  }

  async #load(): Promise<void> {
    const { api, view } = this.#device;
    try {
      const [user, devices] = await Promise.all([api.me(), api.devices()]);
      view.showUser(user.userId);
      view.showCount(user.count);
      view.showDevices(devices);
    } catch (error) {
      view.log('warning', explain(error));
    }
  }
}

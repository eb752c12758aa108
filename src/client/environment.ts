import type { TokenStorage } from './types.js';

/** What tells the other tabs. Node's has `unref`. */
interface Channel {
  onmessage: unknown;
  postMessage(message: unknown): void;
  unref?(): void;
}

/**
 * The parts of a browser that are used where they exist. Apps and servers have only some of them.
 */
interface Environment {
  readonly localStorage?: TokenStorage | null;
  readonly sessionStorage?: TokenStorage | null;
  readonly location?: { readonly origin: string; readonly href: string };
  readonly document?: { readonly baseURI: string };
  readonly BroadcastChannel?: new (name: string) => Channel;
  addEventListener?(type: string, listener: () => void): void;
}

export const environment: Environment = globalThis;

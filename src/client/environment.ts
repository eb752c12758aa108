import type { TokenStorage } from './types.js';

/** Sends messages to other tabs. In Node it has `unref`. */
interface Channel {
  onmessage: unknown;
  postMessage(message: unknown): void;
  unref?(): void;
}

/** The parts of a browser that the client uses if they exist. Apps and servers have only some. */
interface Environment {
  readonly localStorage?: TokenStorage | null;
  readonly sessionStorage?: TokenStorage | null;
  readonly location?: { readonly origin: string; readonly href: string };
  readonly document?: { readonly baseURI: string };
  readonly BroadcastChannel?: new (name: string) => Channel;
  addEventListener?(type: string, listener: () => void): void;
}

export const environment: Environment = globalThis;

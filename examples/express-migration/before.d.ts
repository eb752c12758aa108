import type { RequestListener } from 'node:http';
import type { CallbackStore } from 'token-sessions/express-store';

export function before(store: object): RequestListener;
/** The store of the old application. */
export function oldStore(): CallbackStore;

import type { RequestListener } from 'node:http';

export function before(store: object): RequestListener;

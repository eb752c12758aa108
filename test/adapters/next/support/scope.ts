import { type WorkStore, workAsyncStorage } from 'next/dist/server/app-render/work-async-storage.external.js';
import {
  type WorkUnitStore,
  workUnitAsyncStorage,
} from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import { createRequestStore, synchronizeMutableCookies } from 'next/dist/server/async-storage/request-store.js';

/**
 * A request as Next.js keeps it for `headers()` and `cookies()`: with its own stores, but without
 * its server.
 */
export interface NextScope {
  /** A server action, or a route handler: cookies can be written. */
  inAction<Result>(run: () => Promise<Result>): Promise<Result>;
  /** The render of a page. After an action, the render that follows it. */
  inRender<Result>(run: () => Promise<Result>): Promise<Result>;
  /** The cookies that were set, as `name=value`. */
  cookies(): readonly string[];
  /** The lines of `Set-Cookie`. */
  lines(): readonly string[];
}

/** The build of a page, before there is any request. Next.js stops it where it needs one. */
export function inPrerender<Result>(run: () => Promise<Result>): Promise<Result> {
  const work: Partial<WorkStore> = { route: '/', forceStatic: false, dynamicShouldError: false };
  const unit: Partial<WorkUnitStore> = { type: 'prerender-legacy', phase: 'render' };
  return workAsyncStorage.run(work as WorkStore, () => workUnitAsyncStorage.run(unit as WorkUnitStore, run));
}

export function nextScope(headers: Readonly<Record<string, string>> = {}): NextScope {
  let lines: readonly string[] = [];
  const store = createRequestStore({
    phase: 'action',
    headers: new Headers(headers),
    onUpdateCookies: (cookies) => {
      lines = cookies;
    },
    url: { pathname: '/' },
    rootParams: {},
    implicitTags: { tags: [], expirationsByCacheKind: new Map() },
    resumeDataCache: null,
    previewProps: undefined,
    isHmrRefresh: false,
    serverComponentsHmrCache: undefined,
    hmrRefreshHash: undefined,
    stagedFallbackParams: null,
  });
  // The part of it that `headers()` and `cookies()` read.
  const work: Partial<WorkStore> = { route: '/', forceStatic: false, dynamicShouldError: false };
  const within = <Result>(phase: 'action' | 'render', run: () => Promise<Result>): Promise<Result> => {
    if (phase === 'render') synchronizeMutableCookies(store);
    store.phase = phase;
    return workAsyncStorage.run(work as WorkStore, () => workUnitAsyncStorage.run(store, run));
  };
  return {
    inAction: (run) => within('action', run),
    inRender: (run) => within('render', run),
    cookies: () => lines.map((line) => line.split(';')[0] ?? ''),
    lines: () => lines,
  };
}

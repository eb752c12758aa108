import { expect, test, vi } from 'vitest';
import type { ContextOptions } from '../../../src/adapters/trpc/index.js';
import { bearer, createSessions } from '../../../src/index.js';
import { collector } from '../../support/collect.js';
import { makeApp } from './support/app.js';
import { ANN, type Data } from './support/bench.js';

/** The warnings about logins of contexts with these options, until all contexts are collected. */
async function warningsOf(optionsOf: () => ContextOptions) {
  const warnings: string[] = [];
  const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
  const sessions = createSessions<Data>({ sources: [bearer({ respond: true })], logger });
  const { createContext } = makeApp(sessions, {});
  const collected = vi.fn();
  const registry = new FinalizationRegistry<undefined>(collected);
  const log = async () => {
    const context = createContext(optionsOf());
    await context.sessions.create(ANN);
    registry.register(context, undefined);
  };
  for (let round = 0; round < 2; round += 1) await log();
  const collect = collector();
  await vi.waitFor(() => {
    collect();
    expect(collected).toHaveBeenCalledTimes(2);
  });
  await new Promise((resolve) => setImmediate(resolve));
  return warnings;
}

test('a token that no responseMeta sends causes one warning', async () => {
  expect(await warningsOf(() => ({ headers: {} }))).toEqual([expect.stringContaining('add responseMeta')]);
});

test('a token on the headers that tRPC sends causes no warning', async () => {
  const req = () => new Request('https://app.example/trpc');
  expect(await warningsOf(() => ({ req: req(), resHeaders: new Headers() }))).toEqual([]);
});

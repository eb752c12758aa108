import { expect, test, vi } from 'vitest';
import { bearer } from '../../../src/index.js';
import { collector } from '../../support/collect.js';
import { ANN, type Handlers } from './support/app.js';
import { setUp } from './support/envelop.js';
import { startYoga } from './support/setup.js';

const LOGIN = 'mutation { run(op: "login") }';

function listening() {
  const warnings: string[] = [];
  const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
  return { warnings, options: { sources: [bearer({ respond: true })], logger } };
}

/** Collects garbage until an object that was dropped now is gone. */
async function collectAll(): Promise<void> {
  const collected = vi.fn();
  const registry = new FinalizationRegistry<undefined>(collected);
  (() => registry.register({}, undefined))();
  const collect = collector();
  await vi.waitFor(() => {
    collect();
    expect(collected).toHaveBeenCalled();
  });
}

test('outside Yoga, a token that the application does not send causes one warning', async () => {
  const { warnings, options } = listening();
  const { run } = await setUp(options);
  for (let round = 0; round < 3; round += 1) await run(LOGIN, { req: { headers: {} } });
  await vi.waitFor(async () => {
    await collectAll();
    expect(warnings).toEqual([expect.stringContaining('outside Yoga, send ctx.sessions.responseHeaders')]);
  });
});

test('on Yoga, the response carries the token, and nothing is reported', async () => {
  const { warnings, options } = listening();
  const login = async ({ sessions }: Parameters<NonNullable<Handlers['run']>[string]>[0]) =>
    (await sessions.create(ANN)).token;
  const { send } = await startYoga({ run: { login } }, {}, options);
  const answer = await send(LOGIN);
  expect(answer.headers.get('session-token')).toMatch(/^ts_/);
  await collectAll();
  await collectAll();
  expect(warnings).toEqual([]);
});

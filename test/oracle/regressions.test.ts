import { initTRPC } from '@trpc/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { trpcSessions } from '../../src/adapters/trpc/index.js';
import { createSessions, memoryStore } from '../../src/index.js';
import { field, handler, login, mutation, nested, overTrpc, overYoga, procedure, program, steps } from './build.js';
import { Oracle } from './oracle.js';
import { loadSources } from './play/library.js';
import type { Program } from './program.js';

/*
 * Faults that the oracle has found, each as the smallest program that shows it.
 */

let oracle: Oracle;
beforeAll(async () => {
  oracle = new Oracle(await loadSources());
});
afterAll(() => oracle.close());

async function expectRight(wrong: Program): Promise<void> {
  expect(await oracle.complaintOf(wrong)).toBeUndefined();
}

const logsOut = procedure({ body: steps('destroy') });
const byCookie = { credential: { session: 0, by: 'cookie' } } as const;

test('rule 18: a nested call that logs out ends the login of the call around it, and the session before', async () => {
  await expectRight(program([overTrpc('batch', [procedure({ body: [login(), nested(logsOut), ...steps('see')] })])]));
});

test('rule 18: a token that a nested call rotates before the login takes effect is handed out with the login', async () => {
  const rotates = procedure({ body: steps('rotate') });
  for (const end of ['ok', 'throw'] as const) {
    const call = procedure({ body: [login(), nested(rotates)], end });
    await expectRight(program([overTrpc('batch', [call], byCookie)], { world: 'cookie' }));
  }
});

test('rule 2: no event reports a change that did not happen, when a streamed call has replaced the session of Express', async () => {
  const call = procedure({ first: 'none', body: [login()] });
  await expectRight(program([overTrpc('stream', [call], { front: handler([]) })]));
});

test('rule 18: a login of Express evicts the oldest session of an account that is at its limit', async () => {
  const call = procedure({ body: steps('see') });
  const options = { credential: null, front: handler([login(0)]) };
  await expectRight(program([overTrpc('batch', [call], options)], { world: 'cookie' }));
});

test('rule 18: a root field that logs in stays logged in after an earlier field that failed below its resolver', async () => {
  await expectRight(program([overYoga('single', [mutation(field([], 'below'), field([login()]))])]));
});

test('rule 18: a root field that reloads keeps what the fields before it have changed', async () => {
  await expectRight(program([overYoga('single', [mutation(field(steps('change')), field(steps('reload', 'see')))])]));
});

/**
 * The first request comes to its second step, the other one to its end, and then the first one
 * goes on.
 */
const other = { turns: [0, 0, 0, 1, 1, 1, 0] };

test('rule 18: a login that fails later evicts no session while it waits', async () => {
  const waits = overTrpc('batch', [procedure({ body: [login(0), ...steps('see')], end: 'throw' })], {
    credential: null,
  });
  await expectRight(
    program([waits, overTrpc('batch', [procedure({ body: [login(0)] })])], { world: 'cookie', ...other }),
  );
});

test('rule 18: a login that was ended while it waited fails, and leaves the session before', async () => {
  const waits = overTrpc('batch', [procedure({ body: [login(1), ...steps('see')] })]);
  const endsOthers = procedure({ body: [login(1), ...steps('destroyOthers')] });
  await expectRight(
    program([waits, overTrpc('batch', [endsOthers], { credential: null })], { turns: [0, 0, 0, 1, 1, 1, 1, 0] }),
  );
});

test('rule 18: an operation whose login was ended fails for itself, also behind Express', async () => {
  const waits = mutation(field([login(1), ...steps('change')]));
  const endsOthers = mutation(field([login(1)]), field(steps('destroyOthers')));
  const behind = overYoga('batch', [waits, endsOthers], { ...byCookie, front: handler([]) });
  await expectRight(program([behind], { world: 'cookie' }));
});

test('rule 12: a call whose session has ended meanwhile ends no other session', async () => {
  const endsOthers = procedure({ first: 'require', body: steps('destroyOthers') });
  const requests = [overTrpc('batch', [endsOthers, procedure({ body: [login(0)] })])];
  await expectRight(program(requests, { turns: [0, 0, 1, 1, 0, 0] }));
});

test('rule 12: what a second login of a call replaces counts as part of its session', async () => {
  await expectRight(
    program([overTrpc('batch', [procedure({ body: [login(0), login(0), ...steps('destroyOthers')] })])]),
  );
});

test('rule 18: a call that logs in and out again ends the session before also where that could not be read', async () => {
  const store = memoryStore();
  const { id, token } = await createSessions<{ name: number }>({ store }).create({ name: 1 });
  const sessions = createSessions({ store, schema: z.object({ name: z.string() }) });
  const { createContext, withSession } = trpcSessions(sessions);
  const t = initTRPC.context<typeof createContext>().create();
  const router = t.router({
    relog: t.procedure
      .concat(withSession)
      .mutation(async ({ ctx }) => (await ctx.sessions.create({ name: 'ann' })).destroy()),
  });
  const headers = new Headers({ authorization: `Bearer ${token}` });
  await t.createCallerFactory(router)(createContext({ headers })).relog();
  expect(await store.find(id)).toBeNull();
});

test('rule 18: an answer whose head has left is not cut short when others end its login meanwhile', async () => {
  const played: Program = JSON.parse(
    `{"world":"bearer","requests":[{"kind":"yoga","credential":{"session":1,"by":"bearer"},"link":"socket","operations":[{"type":"mutation","fields":[{"body":[{"do":"destroyOthers"},{"do":"change"}],"end":"ok","careful":false,"inFragment":false},{"body":[{"do":"change"}],"end":"ok","careful":false,"inFragment":false}],"typename":"no","context":[]},{"type":"mutation","fields":[{"body":[{"do":"create","user":0}],"end":"null","careful":false,"inFragment":false}],"typename":"plain","context":[{"do":"load"}]}],"front":null},{"kind":"yoga","credential":{"session":0,"by":"bearer"},"link":"single","operations":[{"type":"query","fields":[{"body":[{"do":"require"},{"do":"destroy"}],"end":"ok","careful":false,"inFragment":false},{"body":[{"do":"see"}],"end":"ok","careful":false,"inFragment":false}],"typename":"no","context":[]}],"front":{"body":[{"do":"create","user":1}],"end":"ok","careful":false,"guarded":false}}],"turns":[20]}`,
  );
  await expectRight(played);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { field, handler, login, mutation, nested, overTrpc, overYoga, procedure, program, steps } from './build.js';
import { Oracle } from './oracle.js';
import { loadSources } from './play/library.js';
import type { Program } from './program.js';

/*
 * Faults that the oracle has found, each as the smallest program that shows it.
 */

let oracle: Oracle;
beforeAll(async () => {
  oracle = await Oracle.open(await loadSources());
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

test('rule 2: no event tells of a change that there was not, where a streamed call has replaced the session of Express', async () => {
  const call = procedure({ first: 'none', body: [login()] });
  await expectRight(program([overTrpc('stream', [call], { front: handler([]) })]));
});

test('rule 18: a root field that logs in stays logged in after an earlier field that failed below its resolver', async () => {
  await expectRight(program([overYoga('single', [mutation(field([], 'below'), field([login()]))])]));
});

test('rule 18: a root field that reloads keeps what the fields before it have changed', async () => {
  await expectRight(program([overYoga('single', [mutation(field(steps('change')), field(steps('reload', 'see')))])]));
});

test('rule 18: a login that fails later evicts no session while it waits', async () => {
  const waits = procedure({ body: [login(0), ...steps('see')], end: 'throw' });
  const other = procedure({ body: [login(0)] });
  const turns = [0, 0, 0, 0, 0, 0, 0];
  for (const credential of [null, { session: 1, by: 'bearer' } as const]) {
    const requests = [overTrpc('batch', [waits], { credential: null }), overTrpc('batch', [other], { credential })];
    await expectRight(program(requests, { world: 'cookie', turns }));
    await expectRight(program(requests, { world: 'cookie', turns: [1, 1, 0, 1, 1, 0, 0, 1] }));
  }
});

import { ensureEqual } from './kit/assert.js';
import { type Kit, kitFor } from './kit/context.js';
import { OPTIONAL_VERBS, type StoreContractOptions } from './kit/options.js';
import { deadlineTests } from './library/deadlines.js';
import { roundTripTests } from './library/round-trips.js';
import { raceTests } from './races/races.js';
import { adoptionTests } from './verbs/adoption.js';
import { concurrencyTests } from './verbs/concurrency.js';
import { expiryTests } from './verbs/expiry.js';
import { fidelityTests } from './verbs/fidelity.js';
import { limitTests } from './verbs/limit.js';
import { manyTests } from './verbs/many.js';
import { notificationTests } from './verbs/notifications.js';
import { ownerTests } from './verbs/owners.js';
import { stepTests } from './verbs/steps.js';
import { touchTests } from './verbs/touch.js';
import { trimTests } from './verbs/trim.js';
import { unreadableTests } from './verbs/unreadable.js';
import { verbTests } from './verbs/verbs.js';

/**
 * Defines the tests of a store: each outcome of each verb as `SessionStore` specifies it, and the
 * library's invariants on top of the store, alone and raced in every order of the store calls.
 * Call it where tests are defined, in a file of any runner that has `describe` and `it`. Needs
 * fast-check, for the tests with random values and histories.
 *
 * @example
 * storeContract({
 *   runner: { describe, it },
 *   capabilities: { atomic: true, expires: 'own clock', count: true },
 *   createStore: async () => {
 *     const client = await connect();
 *     return { store: myStore(client), close: () => client.close() };
 *   },
 * });
 */
export function storeContract(options: StoreContractOptions): void {
  const kit = kitFor(options);
  kit.group(options.name ?? 'the store contract', () => {
    capabilityTests(kit);
    verbTests(kit);
    kit.group('records', () => fidelityTests(kit));
    kit.group('expiry', () => expiryTests(kit));
    kit.group('concurrency', () => concurrencyTests(kit));
    ownerTests(kit);
    if (kit.has('insertWithin')) kit.group('insertWithin', () => limitTests(kit));
    if (kit.has('trimOwner')) kit.group('trimOwner', () => trimTests(kit));
    if (kit.has('touch')) kit.group('touch', () => touchTests(kit));
    kit.group('adopted owners', () => adoptionTests(kit));
    if (options.capabilities.inSteps) kit.group('steps', () => stepTests(kit));
    manyTests(kit);
    if (options.capabilities.damages) kit.group('records that cannot be read', () => unreadableTests(kit));
    if (kit.has('subscribe')) kit.group('subscribe', () => notificationTests(kit));
    kit.group('data through the library', () => roundTripTests(kit));
    kit.group('deadlines through the library', () => deadlineTests(kit));
    historyTests(kit);
    raceTests(kit);
  });
}

function capabilityTests({ test, options }: Kit): void {
  const { capabilities } = options;
  test('the store has exactly the capabilities that it declares', async ({ store }) => {
    for (const verb of OPTIONAL_VERBS)
      ensureEqual(typeof store[verb] === 'function', capabilities[verb] === true, `the store has ${verb}`);
    ensureEqual(store.atomic !== false, capabilities.atomic, 'the store is atomic');
    ensureEqual(store.steps !== undefined, capabilities.inSteps === true, 'the store has steps');
  });
}

function historyTests({ test, options }: Kit): void {
  test('invariants 1, 2, 3, 5 and 7: random histories of requests and time match the model', async (context) => {
    const { checkHistories } = await import('./library/histories.js');
    await checkHistories(context, options);
  });
}

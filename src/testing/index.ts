/**
 * Tools for tests of an application, and for tests of a store.
 *
 * @module token-sessions/testing
 */

export { storeContract } from './contract.js';
export type { OpenedStore, OptionalVerb, StoreCapabilities, StoreContractOptions, TestRunner } from './kit/options.js';
export { type SignedIn, signedIn } from './signed-in.js';

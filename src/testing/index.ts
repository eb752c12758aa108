/**
 * What tests of an application, and of a store, need.
 *
 * @module token-sessions/testing
 */

export { storeContract } from './contract.js';
export type { OpenedStore, OptionalVerb, StoreCapabilities, StoreContractOptions, TestRunner } from './kit/options.js';
export { type SignedIn, signedIn } from './signed-in.js';

import { describe, it } from 'vitest';
import { memoryStore } from '../../../src/index.js';
import { storeContract } from '../../../src/testing/index.js';
import { NATIVE } from '../../runtimes/suite/capabilities.js';
import { DRIVER_DEPTH } from '../../support/size.js';

storeContract({
  runner: { describe, it },
  name: 'the memory store',
  capabilities: { ...NATIVE, expires: 'injected clock', sweep: true, subscribe: true },
  depth: DRIVER_DEPTH,
  createStore: ({ now }) => ({ store: memoryStore({ now }) }),
});

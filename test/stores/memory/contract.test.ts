import { describe, it } from 'vitest';
import { memoryStore } from '../../../src/index.js';
import { storeContract } from '../../../src/testing/index.js';

storeContract({
  runner: { describe, it },
  name: 'the memory store',
  capabilities: {
    atomic: true,
    expires: 'injected clock',
    listByOwner: true,
    deleteByOwner: true,
    insertWithin: true,
    findMany: true,
    sweep: true,
    count: true,
    clear: true,
    subscribe: true,
  },
  createStore: ({ now }) => ({ store: memoryStore({ now }) }),
});

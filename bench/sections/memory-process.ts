import { createSessions, memoryStore } from '../../dist/index.js';
import { type Account, accountOf } from '../contestants/accounts.ts';
import { ownCpu, serve } from '../run/measure.ts';

/** A question of the parent: µs of CPU for one read or update, as the average over this many. */
export interface MemoryQuestion {
  readonly operation: 'read' | 'update';
  readonly times: number;
}

/** The first message, once the sessions exist, and later the answer to each question. */
export type MemoryAnswer = { readonly bytesEach: number; readonly createMicros: number } | { readonly micros: number };

const TOKEN_LENGTH = 83;
/** How many sessions are used, in all parts of the store. Too many for the processor's caches. */
const MOST_USED = 100_000;
/** Neighbouring tokens belong to distant sessions. The stride divides no number of sessions. */
const STRIDE = 7_919;

const count = Number(process.argv[2]);
const used = Math.min(count, MOST_USED);
let next = 0;
const tokens = Buffer.alloc(used * TOKEN_LENGTH);
const sessions = createSessions<Account>({ store: memoryStore({ maxSessions: Math.max(count, 1_000_000) }) });

/** The bytes in use after a full garbage collection. */
function bytesInUse(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function fill(): Promise<MemoryAnswer> {
  const before = bytesInUse();
  const cpuBefore = ownCpu();
  let dataBytes = 0;
  for (let index = 0; index < count; index += 1) {
    const account = accountOf(index);
    dataBytes += JSON.stringify(account).length;
    const { token } = await sessions.create(account);
    const slot = (Math.floor((index * used) / count) * STRIDE) % used;
    tokens.write(token, slot * TOKEN_LENGTH, 'latin1');
  }
  const createMicros = (ownCpu() - cpuBefore) / count;
  return { bytesEach: (bytesInUse() - before - dataBytes) / count, createMicros };
}

async function once(operation: MemoryQuestion['operation']): Promise<void> {
  next = (next + 1) % used;
  const { session } = await sessions.fromToken(
    tokens.toString('latin1', next * TOKEN_LENGTH, (next + 1) * TOKEN_LENGTH),
  );
  if (!session) throw new Error('a session is missing');
  if (operation === 'read') void session.data.userId;
  else
    await session.update((data) => {
      data.views += 1;
    });
}

async function answer({ operation, times }: MemoryQuestion): Promise<MemoryAnswer> {
  const before = ownCpu();
  await serve({ name: operation, run: () => once(operation) }, times, 1);
  return { micros: (ownCpu() - before) / times };
}

process.on('message', (question: MemoryQuestion) => void answer(question).then((each) => process.send?.(each)));
process.send?.(await fill());

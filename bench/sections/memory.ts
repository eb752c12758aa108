import { type ChildProcess, fork } from 'node:child_process';
import type { Section } from '../report/section.ts';
import { short, whole } from '../report/table.ts';
import { median, pairedRatio } from '../run/stats.ts';
import type { MemoryAnswer, MemoryQuestion } from './memory-process.ts';

const SIZES = [1_000, 100_000, 1_000_000];
const ROUNDS = 7;
const TIMES = 30_000;

interface Filled {
  readonly size: number;
  readonly bytesEach: number;
  readonly create: number;
  readonly read: number[];
  readonly update: number[];
}

/** The memory store with few and with many sessions. Each size has a process, asked in turns. */
export async function memorySection(): Promise<Section> {
  const processes = SIZES.map((size) => ({
    size,
    child: fork(new URL('memory-process.ts', import.meta.url), [String(size)]),
  }));
  try {
    const all: Filled[] = [];
    for (const { size, child } of processes) {
      const first = await messageOf(child);
      if (!('bytesEach' in first)) throw new Error('the first message of the process was not its size');
      all.push({ size, bytesEach: first.bytesEach, create: first.createMicros, read: [], update: [] });
    }
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const operation of ['read', 'update'] as const) {
        for (const [index, { child }] of processes.entries()) {
          const micros = await ask(child, { operation, times: TIMES });
          if (round >= 0) all[index]?.[operation].push(micros);
        }
      }
    }
    return toSection(all);
  } finally {
    for (const { child } of processes) child.kill();
  }
}

function messageOf(child: ChildProcess): Promise<MemoryAnswer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process with sessions in memory ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message: MemoryAnswer) => {
      child.removeListener('exit', ended);
      resolve(message);
    });
  });
}

async function ask(child: ChildProcess, question: MemoryQuestion): Promise<number> {
  const answer = messageOf(child);
  child.send(question);
  const message = await answer;
  return 'micros' in message ? message.micros : Number.NaN;
}

function toSection(all: readonly Filled[]): Section {
  const [few] = all;
  const many = all.at(-1);
  if (!few || !many) throw new Error('no sizes');
  return {
    title: 'The memory store, with few and with many sessions',
    how:
      'Each size in a process of its own, asked in turns; CPU, so that the collection of garbage counts. Memory: heap and buffers after a full collection, over the ' +
      "JSON of the users' data. Operations are `fromToken` and `session.update` on one session after the other, of at most 100,000, in an order that has nothing to do with where they lie.",
    checks: [
      {
        what: 'bytes for each of a million sessions in memory, over the encoded data',
        reach: 400,
        seen: many.bytesEach,
      },
      { what: 'a read with a million sessions ÷ with a thousand', reach: 1.5, seen: pairedRatio(many.read, few.read) },
      {
        what: 'an update with a million sessions ÷ with a thousand',
        reach: 1.5,
        seen: pairedRatio(many.update, few.update),
      },
    ],
    tables: [
      {
        columns: [
          'sessions',
          'bytes each, over the data',
          'read, µs',
          'update, µs',
          'create, µs',
          'read ÷ 1,000',
          'update ÷ 1,000',
        ],
        rows: all.map(({ size, bytesEach, create, read, update }) => [
          whole(size),
          whole(bytesEach),
          short(median(read)),
          short(median(update)),
          short(create),
          short(pairedRatio(read, few.read)),
          short(pairedRatio(update, few.update)),
        ]),
      },
    ],
  };
}

import { expect, test, vi } from 'vitest';
import type { Result } from './support/client.js';
import { setUp } from './support/envelop.js';

interface SubscribePayload {
  setSubscribeFn(run: () => Promise<AsyncIterable<Result>>): void;
}

interface ResultPayload {
  readonly result: AsyncIterable<Result>;
  setResult(result: AsyncIterable<Result>): void;
}

test('a client can leave a source that cannot be left, and a plugin before this one cleans up', async () => {
  const source = {
    [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: { data: { watch: 'on' } } }) }),
  };
  const cleaned = vi.fn();
  async function* watched(results: AsyncIterable<Result>) {
    try {
      yield* results;
    } finally {
      cleaned();
    }
  }
  const before = {
    onSubscribe({ setSubscribeFn }: SubscribePayload) {
      setSubscribeFn(async () => source);
      return { onSubscribeResult: ({ result, setResult }: ResultPayload) => setResult(watched(result)) };
    },
  };
  const { run } = await setUp({}, [before]);
  const results = await run('subscription { watch(op: "changes") }', { req: { headers: {} } });
  const iterator = results[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toEqual({ data: { watch: 'on' } });
  expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
  expect(cleaned).toHaveBeenCalledOnce();
});

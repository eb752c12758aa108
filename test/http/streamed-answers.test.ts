import { setTimeout } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { requireSession } from '../../src/index.js';
import { collector } from '../support/collect.js';
import { type Context, requestOf, setUp } from './support/handle.js';

const collect = collector();

/** An answer whose body sends what `read` gives, until it gives nothing. */
async function streamed(read: (context: Context) => () => unknown, options: Parameters<typeof setUp>[0] = {}) {
  const made = setUp(options);
  const { token, id } = await made.sessions.create({ userId: 'ann' });
  const answer = await made.sessions.handle(requestOf(token), (context) => {
    const next = read(context);
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await setTimeout(2);
          const value = next();
          if (value === undefined) controller.close();
          else controller.enqueue(new TextEncoder().encode(`${value} `));
        },
      }),
    );
  });
  let text = '';
  const done = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) text += decoder.decode(chunk, { stream: true });
  })();
  return { ...made, id, done, text: () => text };
}

describe('the body of a streamed answer', () => {
  test.each<[string, (context: Context) => AbortSignal]>([
    ['session.signal', (context) => requireSession(context).signal],
    ['sessions.signal', ({ sessions }) => sessions.signal],
    ['AbortSignal.any()', (context) => AbortSignal.any([requireSession(context).signal])],
  ])('rule 5: sees the end of the session by `aborted` of %s, without a listener', async (_, signalOf) => {
    const { sessions, id, done, text } = await streamed((context) => {
      const signal = signalOf(context);
      return () => (signal.aborted ? undefined : 'on');
    });
    await vi.waitFor(() => expect(text()).toContain('on'));
    await sessions.destroy(id);
    await done;
  });

  test('rule 20: sees data that is at most recheckInterval old, if it watches the session', async () => {
    const { sessions, id, done, text } = await streamed(
      (context) => {
        const session = requireSession(context);
        const { signal } = session;
        return () => (signal.aborted ? undefined : `views: ${session.data.views}`);
      },
      { recheckInterval: 20 },
    );
    await vi.waitFor(() => expect(text()).toContain('views: undefined'));
    await (await sessions.find(id))?.update((data) => {
      data.views = 3;
    });
    await vi.waitFor(() => expect(text()).toContain('views: 3'));
    await sessions.destroy(id);
    await done;
  });

  test.each<[string, (context: Context) => AbortSignal]>([
    ['session.signal', (context) => requireSession(context).signal],
    ['sessions.signal', ({ sessions }) => sessions.signal],
  ])('rule 5: sees the end of the session by a signal that is combined with %s, after a collection', async (_, of) => {
    const { sessions, id, done, text } = await streamed((context) => {
      const signal = AbortSignal.any([of(context)]);
      return () => (signal.aborted ? undefined : 'on');
    });
    await vi.waitFor(() => expect(text()).toContain('on'));
    for (let round = 0; round < 3; round += 1) {
      collect();
      await new Promise(setImmediate);
    }
    await sessions.destroy(id);
    await done;
  });
});

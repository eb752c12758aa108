import { useEngine, useMaskedErrors } from '@envelop/core';
import { execute } from '@graphql-tools/executor';
import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { describe, expect, test, vi } from 'vitest';
import { requireSession } from '../../../src/adapters/yoga/index.js';
import { memoryStore, type SessionContext } from '../../../src/index.js';
import { ANN, type Data } from './support/app.js';
import { bearer } from './support/client.js';
import { setUp } from './support/envelop.js';

interface Part {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly GraphQLError[];
  readonly incremental?: readonly Part[];
  readonly completed?: readonly { readonly id: string; readonly errors?: readonly GraphQLError[] }[];
  readonly hasNext?: boolean;
}

interface Parts {
  readonly initialResult: Part;
  readonly subsequentResults: AsyncIterable<Part>;
}

/** A part in the format of graphql 17: a part without data is only completed, with its errors. */
function inNewFormat(part: Part): Part {
  const { incremental = [], ...rest } = part;
  const failed = incremental.filter(({ data }) => data === null);
  if (failed.length === 0) return part;
  const completed = failed.map(({ errors = [] }, index) => ({ id: `${index}`, errors }));
  return { ...rest, incremental: incremental.filter(({ data }) => data !== null), completed };
}

/** Executes as `experimentalExecuteIncrementally` of graphql 17 does. */
async function executeIncrementally(args: ExecutionArgs): Promise<ExecutionResult | Parts> {
  const results = await execute(args);
  if (!('initialResult' in results)) return results;
  const { initialResult, subsequentResults } = results;
  async function* later(): AsyncIterable<Part> {
    for await (const part of subsequentResults) yield inNewFormat(part);
  }
  return { initialResult, subsequentResults: later() };
}

/** The same as one stream, which many hosts expect. */
async function executeAsStream(args: ExecutionArgs): Promise<ExecutionResult | AsyncIterable<Part>> {
  const results = await executeIncrementally(args);
  if (!('initialResult' in results)) return results;
  return (async function* () {
    yield results.initialResult;
    yield* results.subsequentResults;
  })();
}

const wait = () => new Promise(setImmediate);

const handlers = {
  run: {
    news: () => 'news',
    darken: (ctx: SessionContext<Data>) => {
      requireSession(ctx).data.theme = 'dark';
      return 'done';
    },
    visit: async (ctx: SessionContext<Data>) => {
      await wait();
      requireSession(ctx).data.views = 1;
      return 'done';
    },
    login: async ({ sessions }: SessionContext<Data>) => (await sessions.create({ ...ANN, userId: 'bob' })).token,
    required: async (ctx: SessionContext<Data>) => {
      await wait();
      return requireSession(ctx).id;
    },
    gone: async (ctx: SessionContext<Data>) => {
      const session = requireSession(ctx);
      await ctx.sessions.destroy(session.id);
      await session.save();
    },
    fail: async (ctx: SessionContext<Data>) => {
      requireSession(ctx).data.role = 'admin';
      await wait();
      throw new GraphQLError('refused');
    },
  },
};

describe.each([
  ['as graphql 17 returns it', executeIncrementally],
  ['as one stream', executeAsStream],
])('an answer in parts, %s,', (_, engine) => {
  async function start(...plugins: object[]) {
    const made = await setUp({}, [useEngine({ execute: engine }), useDeferStream(), ...plugins], [], handlers);
    /** All parts of the answer, first to last. */
    const parts = async (query: string, headers: Record<string, string> = bearer(made.token)): Promise<Part[]> => {
      const results: object = await made.run(query, { req: { headers } });
      const all: Part[] = [];
      if ('initialResult' in results) all.push(results.initialResult as Part);
      const later = 'subsequentResults' in results ? results.subsequentResults : results;
      for await (const part of later as AsyncIterable<Part>) all.push(part);
      return all;
    };
    return { ...made, parts };
  }

  test('rule 18: the changes of all parts of a query are saved together', async () => {
    const { parts, stored, store } = await start();
    const all = await parts('{ run(op: "darken") node { ... @defer { run(op: "visit") } } }');
    expect(all).toMatchObject([{ data: { run: 'done' } }, { incremental: [{ data: { run: 'done' } }] }]);
    expect(store.calls.replace).toBe(1);
    expect(await stored()).toEqual({ ...ANN, theme: 'dark', views: 1 });
  });

  test('rule 18: a failing part drops its changes, and only those that it may have made', async () => {
    const { parts, stored } = await start();
    const all = await parts('{ run(op: "darken") node { ... @defer { required(op: "fail") } } }');
    expect(all.at(-1)).toMatchObject({ completed: [{ errors: [{ message: 'refused' }] }], hasNext: false });
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
  });

  test('rule 18: a root field of a mutation is decided with the first part, and a login takes effect', async () => {
    const { parts, stored, sessions } = await start();
    await parts('mutation { run(op: "darken") node { ... @defer { required(op: "fail") } } }');
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
    const [first] = await parts('mutation { run(op: "login") node { ... @defer { run(op: "news") } } }');
    const { run: token } = first?.data ?? {};
    expect((await sessions.fromToken(`${token}`)).session?.data.userId).toBe('bob');
    expect(await stored()).toBeUndefined();
  });

  test.each(['required', 'run'])('rule 26: our errors have their public form (%s)', async (field) => {
    const { parts } = await start();
    const [, later] = await parts(`{ node { ... @defer { ${field}(op: "required") } } }`, {});
    const errors = (later?.completed ?? later?.incremental)?.flatMap((each) => each.errors ?? []);
    expect(errors).toMatchObject([
      { message: 'A session is required', extensions: { code: 'UNAUTHENTICATED' }, path: ['node', field] },
    ]);
    const [, gone] = await parts(`{ node { ... @defer { ${field}(op: "gone") } } }`);
    expect(JSON.stringify(gone)).toContain('"code":"UNAUTHENTICATED"');
  });

  test('rule 26: our errors keep their code if errors were masked before', async () => {
    const { parts } = await start(useMaskedErrors());
    const all = await parts('{ run(op: "required") node { ... @defer { run(op: "news") } } }', {});
    expect(all[0]).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  test('rule 17: parts that the host drops after the first leave nothing behind', async () => {
    const store = memoryStore();
    const subscribe = vi.spyOn(store, 'subscribe');
    const plugins = [useEngine({ execute: engine }), useDeferStream()];
    const { run, token } = await setUp({ store }, plugins, [], handlers);
    const query = 'mutation { run(op: "darken") node { ... @defer { run(op: "news") } } }';
    expect(await run(query, { req: { headers: bearer(token) } })).not.toHaveProperty('errors');
    expect(subscribe).not.toHaveBeenCalled();
  });
});

test('rule 18: a login is undone if the first part of the answer fails', async () => {
  const engine = async (args: ExecutionArgs) => {
    await execute(args);
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new GraphQLError('lost')) }) };
  };
  const { run, token, sessions, stored } = await setUp({}, [useEngine({ execute: engine })], [], handlers);
  const events: string[] = [];
  for (const name of ['created', 'destroyed'] as const) sessions.on(name, () => events.push(name));
  await expect(run('mutation { run(op: "login") }', { req: { headers: bearer(token) } })).rejects.toThrow('lost');
  expect([events, await sessions.count(), await stored()]).toEqual([[], 1, ANN]);
});

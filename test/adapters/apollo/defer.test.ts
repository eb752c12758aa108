import { execute } from '@graphql-tools/executor';
import { buildSchema, type ExecutionArgs, GraphQLSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { ANN, makeSchema } from '../yoga/support/app.js';
import { post, bearer as withToken } from '../yoga/support/client.js';
import { run, start } from './support/setup.js';

describe('@defer', () => {
  const schema = buildSchema(
    'directive @defer(if: Boolean, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT type Query { x: Int }',
  );
  const directive = schema.getDirective('defer');

  /** An executor that supports `@defer`, in the format that Apollo Server takes. */
  async function executeIncrementally(args: ExecutionArgs): Promise<never> {
    const results = await execute({ ...args, deferWithoutDuplication: true } as never);
    if (!(Symbol.asyncIterator in Object(results))) return results as never;
    const iterator = (results as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    const { value: initialResult } = await iterator.next();
    return { initialResult, subsequentResults: { [Symbol.asyncIterator]: () => iterator } } as never;
  }

  async function startDeferring() {
    const handlers = makeSchema({ run });
    const config = handlers.toConfig();
    const deferring = new GraphQLSchema({
      ...config,
      directives: [...config.directives, ...(directive ? [directive] : [])],
    });
    const made = await start({ schema: deferring, legacyExperimentalExecuteIncrementally: executeIncrementally });
    const defer = async (query: string) => {
      const answer = await post(
        made.url,
        { query },
        { ...withToken(made.token), accept: 'multipart/mixed; deferSpec=20220824' },
      );
      return [...answer.text.matchAll(/^\{.*\}$/gm)].map(([json]) => JSON.parse(json));
    };
    return { ...made, defer };
  }

  test('rule 18: the changes of all parts are saved together after the last one', async () => {
    const { defer, stored } = await startDeferring();
    const parts = await defer('{ run(op: "news") node { ... @defer { run(op: "theme", value: "dark") } } }');
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.at(-1).hasNext).toBe(false);
    expect((await stored())?.theme).toBe('dark');
  });

  test('rule 18: the change that a part made before it first waited is saved, though another part fails', async () => {
    const { defer, stored } = await startDeferring();
    const sound = '... @defer { sound: run(op: "theme", value: "dark") }';
    await defer(`{ run(op: "news") node { ${sound} ... @defer { bad: run(op: "promoteAndFail") } } }`);
    expect(await stored()).toEqual({ ...ANN, theme: 'dark' });
  });

  test('rule 18: the changes are dropped if a part fails, and its error has its code', async () => {
    const { defer, stored, clock } = await startDeferring();
    clock.advance(300_001);
    const stale = await defer('{ run(op: "news") node { ... @defer { run(op: "fresh") } } }');
    expect(JSON.stringify(stale)).toContain('STEP_UP_REQUIRED');
    await defer('{ run(op: "news") node { ... @defer { run(op: "promoteAndFail") } } }');
    expect(await stored()).toEqual(ANN);
  });
});

import * as graphql from 'graphql';
import { describe, expect, test } from 'vitest';
import { serve } from './support/fields.js';

describe('the root fields of a mutation decide separately', () => {
  test.each([
    [
      'of one name that is used twice, by aliases',
      'mutation { a: theme(value: "dark") b: role theme(value: "red") }',
      { theme: 'red' },
    ],
    [
      'in fragments',
      'mutation { ...F role } fragment F on Mutation { theme ...G } fragment G on Mutation { v: views }',
      { theme: 'dark', views: 1 },
    ],
    ['in inline fragments', 'mutation { ... on Mutation { role } ... { theme } }', { theme: 'dark' }],
    [
      'with @include and @skip',
      'mutation { theme @skip(if: true) role @include(if: true) views @include(if: true) }',
      { views: 1 },
    ],
    ['beside __typename', 'mutation { __typename role }', {}],
    ['beside __typename by an alias', 'mutation { role name: __typename lateRole }', {}],
    ['beside the schema', 'mutation { role } query Q { __schema { queryType { name } } }', {}],
    ['where a later one fails late', 'mutation { theme lateRole views }', { theme: 'dark', views: 1 }],
    ['where earlier ones return an error', 'mutation { returned lateReturned theme }', { theme: 'dark' }],
    [
      'that change the same value',
      'mutation { a: log(value: "a") b: failingLog(value: "b") c: log(value: "c") }',
      { log: ['a', 'c'] },
    ],
    ['where all fail', 'mutation { role lateRole }', {}],
    ['where all of data is null', 'mutation { theme required }', {}],
    ['of a namespace', 'mutation { nested { theme } views }', { theme: 'dark', views: 1 }],
  ])('rule 18: %s', async (_, query, left) => {
    const { leaves } = await serve();
    const operation = query.includes('query Q') ? 'mutation { role }' : query;
    expect((await leaves(operation)).left).toEqual({ userId: 'ann', ...left });
  });

  test('rule 18: a field sees the changes of an earlier field only if that succeeded', async () => {
    const { leaves } = await serve();
    const { data } = await leaves('mutation { a: log(value: "a") b: failingLog(value: "b") c: log(value: "c") }');
    expect(data).toEqual({ a: 'a', b: null, c: 'a,c' });
  });

  test('rule 18: an operation writes once, whatever the number of fields', async () => {
    const { leaves, store } = await serve();
    let writes = 0;
    const { replace } = store;
    store.replace = (...args) => {
      writes += 1;
      return replace.apply(store, args);
    };
    await leaves('mutation { theme a: views b: views role lateRole c: log(value: "c") }');
    expect(writes).toBe(1);
  });

  test('rule 18: a field that fails below its resolver drops its changes and those of later fields, with a warning', async () => {
    const { leaves, warnings } = await serve();
    const { data, left } = await leaves('mutation { theme below { slow fails } views role }');
    expect(data).toMatchObject({ theme: 'dark', below: null, role: null });
    expect(left).toEqual({ userId: 'ann', theme: 'dark' });
    expect(warnings).toEqual([expect.stringContaining('were dropped')]);
  });

  test('rule 18: a field that fails below its resolver hands out no login', async () => {
    const { ask, sessions, events } = await serve();
    await ask('mutation { loginThenBelow { fails } }');
    await ask('mutation { loginThenBelow { ok fails } theme: __typename }');
    expect([await sessions.listFor('eve'), events]).toEqual([[], []]);
  });

  test('rule 18: save() and update() write only the current field’s changes, which stay if the field fails', async () => {
    const { leaves } = await serve();
    const { left, data } = await leaves('mutation { theme save update again: update role }');
    expect(left).toEqual({ userId: 'ann', theme: 'dark', views: 120 });
    expect(data).toMatchObject({ save: 'saved', update: '110', again: '120' });
    expect((await leaves('mutation { theme save required }')).left).toEqual({ userId: 'ann', views: 100 });
  });

  test('rule 18: a query is saved if a root field other than __typename came back', async () => {
    const { leaves } = await serve();
    expect((await leaves('{ theme role }')).left).toEqual({ userId: 'ann', theme: 'dark', role: 'admin' });
    expect((await leaves('{ __typename role }')).left).toEqual({ userId: 'ann' });
    expect((await leaves('{ alias: __typename ...F } fragment F on Query { role __typename }')).left).toEqual({
      userId: 'ann',
    });
    expect((await leaves('{ theme required }')).left).toEqual({ userId: 'ann' });
  });

  test('rule 18: a plugin that adds __typename to every selection does not change this', async () => {
    const addTypenames = {
      onParse:
        () =>
        ({ result, replaceParseResult }: { result: unknown; replaceParseResult(document: unknown): void }) => {
          if (typeof result !== 'object' || result === null || !('kind' in result)) return;
          const name = { kind: graphql.Kind.FIELD, name: { kind: graphql.Kind.NAME, value: '__typename' } };
          const SelectionSet = (node: graphql.SelectionSetNode) => ({
            ...node,
            selections: [name, ...node.selections],
          });
          replaceParseResult(graphql.visit(result as graphql.DocumentNode, { SelectionSet }));
        },
    };
    const { leaves } = await serve({ yoga: { plugins: [addTypenames] } });
    for (const query of ['mutation { role }', '{ role }', 'mutation { lateRole }'])
      expect((await leaves(query)).left).toEqual({ userId: 'ann' });
    expect((await leaves('mutation { theme role }')).left).toEqual({ userId: 'ann', theme: 'dark' });
  });
});

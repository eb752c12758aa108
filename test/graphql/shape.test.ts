import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { NO_SHAPE, shapeOf } from '../../src/graphql/shape.js';

const shape = (text: string, { name, mayDefer = true }: { name?: string; mayDefer?: boolean } = {}) =>
  shapeOf(parse(text), name, mayDefer);

describe('the shape of an operation', () => {
  test('is that of the operation with the name, or of the first one without a name', () => {
    const text = 'query a { x } mutation b { y } fragment F on T { z }';
    expect(shape(text).isMutation).toBe(false);
    expect(shape(text, { name: 'b' }).isMutation).toBe(true);
    expect(shape(text, { name: 'c' })).toBe(NO_SHAPE);
    expect(shape('fragment F on T { z }')).toBe(NO_SHAPE);
    expect(shape('mutation { x }', { name: 'b' })).toBe(NO_SHAPE);
  });

  test('knows every response name of __typename, through aliases and fragments', () => {
    const names = shape(`
      query { __typename ok alias: __typename ... on Query { inline: __typename } ...F ...F ...Missing }
      fragment F on Query { deep: __typename ...G }
      fragment G on Query { ...F deeper: __typename }
    `).typeNames();
    expect([...names].sort()).toEqual(['__typename', 'alias', 'deep', 'deeper', 'inline']);
  });

  test('is incremental when @defer or @stream occurs anywhere below, and the schema has them', () => {
    const direct = 'query { a { ... @defer { b } } }';
    const nested = 'query { a { ...F } } fragment F on T { list @stream { c } }';
    const none = 'query { a { ...F } plain } fragment F on T { ...F b }';
    expect([direct, nested, none].map((text) => shape(text).isIncremental)).toEqual([true, true, false]);
    expect(shape(direct, { mayDefer: false }).isIncremental).toBe(false);
  });

  test('names the root fields whose answers come in parts', () => {
    const { defers } = shape('mutation { plain a: streamed @stream b: deep { ... @defer { c } } d: shallow { c } }');
    expect(['plain', 'a', 'b', 'd', 'unknown'].filter(defers)).toEqual(['a', 'b']);
    expect([NO_SHAPE.defers('a'), NO_SHAPE.typeNames().size]).toEqual([false, 0]);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Duration, memoryStore, SessionError, type SessionErrorCode } from 'token-sessions';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { answerTo } from '../../src/adapters/trpc/errors.js';
import { parseDuration } from '../../src/core/duration.js';
import { normaliseOptions } from '../../src/core/kernel/settings.js';
import { toGraphQLError } from '../../src/graphql/errors.js';
import { errorCodes, eventNames, membersOf, optionNames } from './public-names.js';
import { rowsOf } from './tables.js';

function page(name: string): string {
  return readFileSync(join(ROOT, 'docs/reference', `${name}.md`), 'utf8');
}

/** The names that the first column of a table has, without arguments. */
function namesIn(markdown: string, column: string): string[] {
  const cells = rowsOf(markdown, column).slice(1);
  return cells.flatMap(([cell = '']) => [...cell.matchAll(/`([\w-]+)[^`]*`/g)].map(([, name = '']) => name));
}

describe('docs/reference/options.md', () => {
  const rows = new Map(
    rowsOf(page('options'), 'option | default').map(([name = '', value = '']) => [name.replaceAll('`', ''), value]),
  );

  test('has one row for each option, and no other', () => {
    expect(optionNames.length).toBeGreaterThan(15);
    const documented = namesIn(page('options'), 'option | default');
    expect(documented.toSorted()).toEqual([...optionNames].toSorted());
  });

  test('states the defaults of the options as they are', () => {
    const settings = normaliseOptions({ store: memoryStore() });
    const durations = { storeTimeout: '', recheckInterval: '', sweepInterval: '', rotationGrace: '' };
    for (const name of Object.keys(durations) as (keyof typeof durations)[]) {
      expect(parseDuration(rows.get(name)?.replaceAll(/[`']/g, '') as Duration, name), name).toBe(settings[name]);
    }
    expect(rows.get('idleTimeout')).toBe("`'7d'`");
    expect(rows.get('absoluteTimeout')).toBe("`'30d'`");
    expect(settings.limits).toEqual({ idle: parseDuration('7d', ''), absolute: parseDuration('30d', '') });
    expect(rows.get('rotateEvery')).toBe('`false`');
    expect(settings.rotateEvery).toBe(Number.POSITIVE_INFINITY);
    for (const name of ['tokenPrefix', 'onReuse', 'onInvalidData', 'onStoreError'] as const) {
      expect(rows.get(name), name).toBe(`\`'${settings[name]}'\``);
    }
    expect(rows.get('maxDataBytes')).toBe(settings.maxDataBytes.toLocaleString('en'));
  });

  test('has every option of cookie()', () => {
    const cookieOptions = ['AnyCookieOptions', 'SecureCookieOptions', 'PlainCookieOptions'];
    const names = cookieOptions
      .flatMap((name) => membersOf('src/http/cookie-source.ts', name))
      .filter((name) => name !== 'legacy');
    expect(namesIn(page('options'), 'option of `cookie`').toSorted()).toEqual(names.toSorted());
  });
});

describe('docs/reference/errors.md', () => {
  test('has one row for each code, with its status', () => {
    expect(errorCodes.length).toBeGreaterThan(8);
    const statuses = rowsOf(page('errors'), 'code').slice(1);
    expect(statuses.map(([code = '']) => code.replaceAll('`', '')).toSorted()).toEqual([...errorCodes].toSorted());
    for (const [code = '', status] of statuses) {
      expect(new SessionError(code.replaceAll('`', '') as SessionErrorCode, '').status, code).toBe(Number(status));
    }
  });

  test('says what tRPC and GraphQL make of each code', () => {
    const rows = rowsOf(page('errors'), "the library's code").slice(1);
    const bare = rows.map((row) => row.map((cell) => cell.replaceAll('`', '')));
    expect(bare.map(([code]) => code).toSorted()).toEqual([...errorCodes].toSorted());
    for (const [code = '', trpc, graphql] of bare) {
      const error = new SessionError(code as SessionErrorCode, '');
      expect([answerTo(error).code, toGraphQLError(error).extensions['code']], code).toEqual([trpc, graphql]);
    }
  });
});

describe('docs/reference/events.md', () => {
  test('has one row for each event, with its reasons', () => {
    expect(eventNames.length).toBeGreaterThan(8);
    const rows = rowsOf(page('events'), 'event');
    expect(rows.slice(1).map(([name = '']) => name.replaceAll('`', ''))).toEqual(expect.arrayContaining(eventNames));
    expect(rows.length - 1).toBe(eventNames.length);
    const declared = [
      ...readFileSync(join(ROOT, 'src/core/events.ts'), 'utf8').matchAll(/readonly reason: ('.*) \};/g),
    ];
    const reasons = declared.flatMap(([, union = '']) => union.match(/'[\w-]+'/g) ?? []);
    expect(reasons.length).toBeGreaterThan(5);
    expect(reasons.filter((reason) => !page('events').includes(`\`${reason}\``))).toEqual([]);
  });
});

describe('docs/reference/session.md', () => {
  test.each([
    ['src/core/types.ts', 'Session', ['toJSON']],
    ['src/core/types.ts', 'RequestSessions', []],
    ['src/core/types.ts', 'SessionAdministration', []],
    ['src/core/types.ts', 'RotateOptions', []],
    ['src/http/sessions.ts', 'Sessions', []],
  ])('has every member of what %s declares as %s', (path, name, left) => {
    const members = membersOf(path, name).filter((member) => !left.includes(member as never));
    expect(members.length).toBeGreaterThan(1);
    expect(members.filter((member) => !new RegExp(`\`(?:\\{ )?${member}\\b`).test(page('session')))).toEqual([]);
  });
});

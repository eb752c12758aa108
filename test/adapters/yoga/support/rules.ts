import { createSchema, createYoga, type YogaServerOptions } from 'graphql-yoga';
import { useSession } from '../../../../src/adapters/yoga/index.js';
import {
  createSessions,
  type Logger,
  memoryStore,
  type SessionContext,
  type SessionsOptions,
} from '../../../../src/index.js';
import { testClock } from '../../../support/clock.js';
import { listenInTest } from '../../../support/http.js';
import { bearer, post, type Result } from './client.js';

export interface RuleData {
  userId: string;
  theme?: string;
  role?: string;
  views?: number;
  log?: string[];
}

export type Ctx = SessionContext<RuleData>;
type Resolver = (source: unknown, args: Record<string, string>, ctx: Ctx) => unknown;
export type Resolvers = Readonly<Record<string, Readonly<Record<string, Resolver>>>>;

interface Options {
  readonly sessions?: SessionsOptions<RuleData>;
  readonly yoga?: Partial<YogaServerOptions<object, object>>;
}

/** Sessions, with their events and log lines. */
export function tellingSessions(options: SessionsOptions<RuleData> = {}) {
  const clock = testClock();
  const store = options.store ?? memoryStore({ now: clock.now });
  const warnings: string[] = [];
  const events: string[] = [];
  const logger: Logger = { warn: (message) => void warnings.push(message), error: () => undefined };
  const sessions = createSessions<RuleData>({
    now: clock.now,
    logger,
    ownerOf: (data) => data.userId,
    ...options,
    store,
  });
  for (const name of ['created', 'destroyed', 'evicted', 'gone'] as const)
    sessions.on(name, ({ id }) => events.push(`${name} ${id}`));
  const stored = async (of: { readonly id: string }) => (await sessions.find(of.id))?.data ?? null;
  return { clock, store, sessions, warnings, events, stored };
}

/** A schema of the test's own on a real server. */
export async function serveSchema(
  typeDefs: string,
  resolvers: Resolvers,
  { sessions: options, yoga: more }: Options = {},
) {
  const made = tellingSessions(options);
  const schema = createSchema<object>({ typeDefs, resolvers: Object.fromEntries(Object.entries(resolvers)) });
  const yoga = createYoga<object, object>({
    schema,
    logging: false,
    batching: true,
    ...more,
    plugins: [useSession(made.sessions), ...(more?.plugins ?? [])],
  });
  const { url } = await listenInTest(yoga);
  /** Sends one operation, or a batch, with this token. */
  async function ask(
    query: string | readonly string[],
    token?: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const body = typeof query === 'string' ? { query } : query.map((each) => ({ query: each }));
    const answer = await post(`${url}/graphql`, body, { ...(token !== undefined && bearer(token)), ...headers });
    const parsed: Result | Result[] = JSON.parse(answer.text);
    const results = [parsed].flat();
    return {
      ...answer,
      results,
      data: results[0]?.data,
      codes: results.flatMap(({ errors = [] }) => errors.map(codeOf)),
    };
  }
  return { ...made, yoga, schema, url, ask };
}

function codeOf({
  message,
  extensions,
}: {
  readonly message: string;
  readonly extensions?: Record<string, unknown>;
}): unknown {
  return extensions?.['code'] ?? message;
}

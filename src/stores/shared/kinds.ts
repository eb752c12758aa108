/** The databases that have a store here. */
export type Database = 'PostgreSQL' | 'SQLite' | 'Redis';

/** A kind of client that users may pass by mistake, and the remedy. */
interface Kind {
  readonly name: string;
  /** The database whose store accepts it. */
  readonly for?: Database;
  /** How to turn it into a client that a store accepts. */
  readonly hint?: string;
  matches(client: object): boolean;
}

const STORES: Readonly<Record<Database, string>> = {
  PostgreSQL: 'postgresStore of token-sessions/postgres',
  SQLite: 'sqliteStore of token-sessions/sqlite',
  Redis: 'redisStore of token-sessions/redis',
};

/** The first match counts. */
const KINDS: readonly Kind[] = [
  { name: 'a database of Drizzle', hint: 'pass its client, db.$client', matches: (client) => has(client, '$client') },
  {
    name: 'a client of Prisma',
    hint: 'pass { query: (text, params = []) => prisma.$queryRawUnsafe(text, ...params) }',
    matches: (client) => has(client, '$queryRawUnsafe'),
  },
  {
    name: 'a database of Kysely',
    hint: 'pass its pool, or { query: (text, params = []) => db.executeQuery(CompiledQuery.raw(text, params)) }',
    matches: (client) => hasMethods(client, 'executeQuery', 'getExecutor'),
  },
  {
    name: 'the sql function of postgres.js',
    hint: 'pass { query: (text, params) => sql.unsafe(text, params) }',
    matches: (client) => hasMethods(client, 'unsafe', 'begin'),
  },
  {
    name: 'a client of mysql2 or MariaDB, which no store here is for',
    matches: (client) => hasMethods(client, 'getConnection') || hasMethods(client, 'query', 'beginTransaction'),
  },
  {
    name: 'a client of MongoDB, which no store here is for',
    matches: (client) => hasMethods(client, 'db', 'startSession'),
  },
  {
    name: 'a client of SQL Server, which no store here is for',
    matches: (client) => hasMethods(client, 'request', 'batch', 'query'),
  },
  {
    name: 'a client of ioredis or iovalkey',
    for: 'Redis',
    matches: (client) => hasMethods(client, 'call', 'duplicate', 'subscribe'),
  },
  { name: 'a client of node-redis', for: 'Redis', matches: (client) => hasMethods(client, 'sendCommand') },
  {
    name: 'a client of @upstash/redis',
    for: 'Redis',
    matches: (client) => hasMethods(client, 'evalsha', 'mget', 'pipeline'),
  },
  {
    name: 'a database of PGlite',
    for: 'PostgreSQL',
    matches: (client) => hasMethods(client, 'query', 'exec', 'listen'),
  },
  { name: 'a client of pg', for: 'PostgreSQL', matches: (client) => hasMethods(client, 'query', 'connect', 'end') },
  {
    name: 'a database of Cloudflare D1',
    for: 'SQLite',
    matches: (client) => hasMethods(client, 'prepare', 'batch', 'dump'),
  },
  {
    name: 'a client of @libsql/client',
    for: 'SQLite',
    matches: (client) => hasMethods(client, 'execute', 'batch', 'executeMultiple'),
  },
  { name: 'a database of SQLite', for: 'SQLite', matches: (client) => hasMethods(client, 'prepare', 'exec') },
];

/** Names the kind and the remedy of a client that is known not to fit; otherwise `undefined`. */
export function wrongKind(client: unknown, database: Database): string | undefined {
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null) return undefined;
  const kind = KINDS.find((each) => each.matches(client));
  if (!kind || kind.for === database) return undefined;
  const hint = kind.for ? `pass it to ${STORES[kind.for]}` : kind.hint;
  return hint ? `${kind.name}: ${hint}` : kind.name;
}

export function hasMethods(client: object, ...names: string[]): boolean {
  return names.every((name) => typeof Reflect.get(client, name) === 'function');
}

function has(client: object, name: string): boolean {
  const value: unknown = Reflect.get(client, name);
  return value !== undefined && value !== null;
}

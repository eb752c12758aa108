/** A change of a source file. The replaced text must be there exactly once. */
interface Patch {
  /** Below `src`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A fault of the kinds that the rules of calls forbid. */
export interface Bug {
  readonly name: string;
  /** A round that shows it. */
  readonly seed: number;
  readonly patches: readonly Patch[];
}

const CALL = 'core/session/call.ts';
const IDENTITY = 'core/session/identity.ts';
const SESSION = 'core/session/session.ts';
const REQUEST = 'core/session/request.ts';
const DRAFT = 'core/session/draft.ts';
const ACCOUNT_LIMIT = 'core/kernel/account-limit.ts';
const HEAD = 'http/response-head.ts';
const TRPC_CALL = 'adapters/trpc/call.ts';
const YOGA_RESULTS = 'graphql/results.ts';

function bug(
  name: string,
  seed: number,
  ...patches: readonly (readonly [file: string, from: string, to: string])[]
): Bug {
  return { name, seed, patches: patches.map(([file, from, to]) => ({ file, from, to })) };
}

/** How many of the bugs, the first ones, are planted where time is short. */
export const FEW = 14;

export const bugs: readonly Bug[] = [
  bug(
    'the session is that of the only call that runs',
    66,
    [
      CALL,
      '    this.#hasOutcome = options.hasOutcome;',
      '    this.#hasOutcome = options.hasOutcome;\n    if (options.hasOutcome) (request.running ??= new Set()).add(this);',
    ],
    [
      CALL,
      '    this.#identity.isDone = true;\n    this.leaveBatch();',
      '    this.#identity.isDone = true;\n    this.request.running?.delete(this);\n    this.leaveBatch();',
    ],
    [
      CALL,
      '    const { acting, isContext, held } = this.#identity;',
      '    const { acting, isContext, held } = this.#identity;\n    if (isContext && this.request.running?.size === 1) return [...this.request.running][0].session;',
    ],
  ),
  bug('the calls of a request share a draft', 4, [
    SESSION,
    'this.#draft = new Draft<Data>(held);',
    'this.#draft = held.shared ??= new Draft<Data>(held);',
  ]),
  bug('a failed call is saved', 15, [
    TRPC_CALL,
    'if (call.isPending) await call.rollback();',
    'if (call.isPending) await call.commit();',
  ]),
  bug('a login takes effect when it is created', 3, [
    IDENTITY,
    'if (this.#decides) return this.logins.push(login);',
    '',
  ]),
  bug('a login ends the session before at once', 3, [
    IDENTITY,
    'await this.#place(this.#loginWith(',
    'if (this.held && !this.logins.previous) await services.lifecycle.destroy(this.held.snapshot.record, "replaced");\n    await this.#place(this.#loginWith(',
  ]),
  bug('later calls of a batch begin with what a neighbour logged in', 340, [
    REQUEST,
    'if (this.persistent) this.#hold(',
    'this.#loading = undefined;\n    if (true) this.#hold(',
  ]),
  bug('__typename makes a success', 568, [YOGA_RESULTS, '!typeNames.has(name) &&', '']),
  bug('the login of a nested call stays when the call around it fails', 22, [
    IDENTITY,
    'const outer = this.#outer;\n    await (outer ?',
    'const outer: Identity | undefined = undefined;\n    await (outer ?',
  ]),
  bug('a socket looks its session up once', 38, [REQUEST, 'if (this.persistent) return this.#loadAgain();', '']),
  bug('what is changed outside a guard is saved', 120, [
    TRPC_CALL,
    'if (!call.isPending) return completed(',
    'if (call.parent && call.parent.key === undefined && call.parent.isDirty) void call.parent.saveSoFar();\n  if (!call.isPending) return completed(',
  ]),
  bug('a session that was left gives its data', 3, [SESSION, 'this.#isRetired = isRetired;', '']),
  bug('a second guard lets a session in that a neighbour has ended', 14, [
    CALL,
    'return this.held?.isRefused ? null : this.shownSession;',
    'return this.shownSession;',
  ]),
  bug('the token of a login is written before the call has succeeded', 6, [
    IDENTITY,
    'const login: Login = { ...made, before: this.acting.now };',
    'const login: Login = { ...made, before: this.acting.now };\n    this.request.announce(made.held, made.credential);',
  ]),
  bug(
    'nested calls wait for their neighbours',
    55,
    [TRPC_CALL, 'if (!isNested && holdMs > 0) call.joinBatch();', 'call.joinBatch();'],
    [TRPC_CALL, 'call.sharesLogin ? 0 : batchOf(call).holdMs', 'batchOf(call).holdMs'],
  ),
  bug('the draft of a root field that failed goes on', 258, [
    'core/session/root-fields.ts',
    '    this.#acting.session?.draft.dropChanges();\n',
    '',
  ]),
  bug('an operation that failed keeps its batch waiting', 8, [
    CALL,
    '    this.#identity.isDone = true;\n    this.leaveBatch();',
    '    this.#identity.isDone = true;',
  ]),
  bug('a logout deletes the cookie of a neighbour that logged in', 384, [
    HEAD,
    '(this.#issued ?? id) !== id',
    'false',
  ]),
  bug('an answer with a token may be cached', 5, [HEAD, '    this.noStore();\n    this.#issued', '    this.#issued']),
  bug('a save writes all fields', 17, [
    DRAFT,
    'const patch = diff(this.#box.baseline, draft);\n    if (patch) await',
    'const patch = { kind: "whole", value: draft };\n    if (patch) await',
  ]),
  bug('the calls around one that logs out go on', 92, [
    IDENTITY,
    '      if (each.held !== held) continue;\n',
    '      if (each !== this) continue;\n',
  ]),
  bug('Express saves what a failed request changed', 109, [
    'http/node-outcome.ts',
    'return status >= 500 || ',
    'return ',
  ]),
  bug('a login does not change the session of its socket', 38, [
    REQUEST,
    'if (this.persistent) this.#hold(',
    'if (false) this.#hold(',
  ]),
  bug('a login that waits counts for the limit of its account', 484, [
    ACCOUNT_LIMIT,
    'return max + this.#pending.of(ownerId);',
    'return max;',
  ]),
  bug('reload() drops what earlier root fields changed', 278, [
    SESSION,
    'this.#draft.renew();',
    'this.#draft.discard();',
  ]),
  bug('two logins of one answer both stay', 255, [
    REQUEST,
    "    await this.services.lifecycle.destroy(earlier.snapshot.record, 'replaced').catch(() => false);",
    '',
  ]),
];

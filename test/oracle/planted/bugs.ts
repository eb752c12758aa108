/** A change of a source file. What is replaced must be there exactly once. */
interface Patch {
  /** Below `src`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A fault of the kinds that the rules of calls forbid. */
export interface Bug {
  readonly name: string;
  readonly patches: readonly Patch[];
}

const CALL = 'core/session/call.ts';
const IDENTITY = 'core/session/identity.ts';
const SESSION = 'core/session/session.ts';
const REQUEST = 'core/session/request.ts';
const DRAFT = 'core/session/draft.ts';
const LIFECYCLE = 'core/kernel/lifecycle.ts';
const HEAD = 'http/response-head.ts';
const TRPC_CALL = 'adapters/trpc/call.ts';
const YOGA_RESULTS = 'graphql/results.ts';

function bug(name: string, ...patches: readonly (readonly [file: string, from: string, to: string])[]): Bug {
  return { name, patches: patches.map(([file, from, to]) => ({ file, from, to })) };
}

export const bugs: readonly Bug[] = [
  bug(
    'the session is that of the only call that runs',
    [
      CALL,
      '    this.#hasOutcome = hasOutcome;',
      '    this.#hasOutcome = hasOutcome;\n    if (hasOutcome) (request.running ??= new Set()).add(this);',
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
  bug('the calls of a request share a draft', [
    SESSION,
    'this.#draft = new Draft<Data>(held);',
    'this.#draft = held.shared ??= new Draft<Data>(held);',
  ]),
  bug('the draft of a root field that failed goes on', [
    'core/session/root-fields.ts',
    '    this.#acting.session?.draft.dropChanges();\n',
    '',
  ]),
  bug('a failed call is saved', [TRPC_CALL, 'if (call.isPending) await call.rollback();', 'if (call.isPending) await call.commit();']),
  bug('a login takes effect when it is created', [IDENTITY, 'if (this.#decides) return this.logins.push(login);', '']),
  bug('a login ends the session before at once', [
    IDENTITY,
    'await this.#place(this.#loginWith(',
    'if (this.held && !this.logins.previous) await services.lifecycle.destroy(this.held.snapshot.record, "replaced");\n    await this.#place(this.#loginWith(',
  ]),
  bug('later calls of a batch begin with what a neighbour logged in', [
    REQUEST,
    'if (this.persistent) this.#hold(',
    'this.#loading = undefined;\n    if (true) this.#hold(',
  ]),
  bug('__typename makes a success', [YOGA_RESULTS, '!typeNames.has(name) &&', '']),
  bug('the login of a nested call stays when the call around it fails', [IDENTITY, 'if (outer) return outer.#adopt(login);', '']),
  bug('a socket looks its session up once', [REQUEST, 'if (this.persistent) return this.#loadAgain();', '']),
  bug('what is changed outside a guard is saved', [
    TRPC_CALL,
    'const committed = call.isPending',
    'if (call.parent && call.parent.key === undefined && call.parent.isDirty) void call.parent.saveSoFar();\n  const committed = call.isPending',
  ]),
  bug('a session that was left gives its data', [SESSION, 'this.#isRetired = isRetired;', '']),
  bug('a second guard lets a session in that a neighbour has ended', [
    CALL,
    'return this.held?.isRefused ? null : this.session;',
    'return this.session;',
  ]),
  bug('the token of a login is written before the call has succeeded', [
    IDENTITY,
    'const login: Login = { ...made, before: this.acting.now };',
    'const login: Login = { ...made, before: this.acting.now };\n    this.request.announce(made.held, made.credential);',
  ]),
  bug(
    'nested calls wait for their neighbours',
    [TRPC_CALL, 'if (!isNested) call.joinBatch();', 'call.joinBatch();'],
    [TRPC_CALL, 'isOfClient(procedure.getRawInput, call) ? batchOf(call).holdMs : 0', 'batchOf(call).holdMs'],
  ),
  bug('an operation that failed keeps its batch waiting', [
    CALL,
    '    this.#identity.isDone = true;\n    this.leaveBatch();',
    '    this.#identity.isDone = true;',
  ]),
  bug('a logout deletes the cookie of a neighbour that logged in', [HEAD, '(this.#written?.isToken && this.#written.id !== id)', 'false']),
  bug('an answer with a token may be cached', [HEAD, '    this.noStore();\n    this.#write(', '    this.#write(']),
  bug('a save writes all fields', [
    DRAFT,
    'const patch = diff(this.#box.baseline, draft);\n    if (patch) await',
    'const patch = { kind: "whole", value: draft };\n    if (patch) await',
  ]),
  bug('the calls around one that logs out go on', [
    IDENTITY,
    '      if (each.held !== held) continue;\n',
    '      if (each !== this) continue;\n',
  ]),
  bug('Express saves what a failed request changed', [
    'adapters/express/outcome.ts',
    'hasFailed ??= res.statusCode >= 500 ||',
    'hasFailed ??=',
  ]),
  bug('a login does not change the session of its socket', [REQUEST, 'if (this.persistent) this.#hold(', 'if (false) this.#hold(']),
  bug('a login that waits counts for the limit of its account', [
    LIFECYCLE,
    'maxPerOwner.max + this.#pending.of(ownerId)',
    'maxPerOwner.max',
  ]),
  bug('reload() drops what earlier root fields changed', [SESSION, 'this.#draft.renew();', 'this.#draft.discard();']),
  bug('two logins of one answer both stay', [
    REQUEST,
    "    await this.services.lifecycle.destroy(earlier.snapshot.record, 'replaced').catch(() => false);",
    '',
  ]),
];

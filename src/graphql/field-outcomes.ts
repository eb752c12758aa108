import type { Call } from '../core/session/call.js';
import { isPromise, QueryLogin } from './query-login.js';
import { failedNames } from './results.js';
import { NO_SHAPE, type OperationShape } from './shape.js';
import type { OperationResult } from './types.js';

type Path = readonly (string | number)[];
type Keep = (name: string) => boolean;
/** An operation's definition in its document. */
export type Definition = { readonly operation: string };

/** The prefix of the layer of a resolver inside a part. It keeps them apart from root fields. */
const PART = '\u0000';
/**
 * The prefix of the layer of changes below a root field that may defer. If it does, the resolver
 * that made such a change is not known.
 */
const BELOW = '\u0001';

/**
 * The outcomes of the fields of one operation. They decide which changes are saved. Root fields of
 * a mutation run one after the other, and each decides about its own changes. Resolvers inside
 * `@defer` and `@stream` run side by side. So a change is only known to be a resolver's own if the
 * resolver made it before it first waited.
 */
export class FieldOutcomes {
  readonly #call: Call;
  #shape: OperationShape = NO_SHAPE;
  /** The operation's own definition. Its first field shows it. */
  #definition: Definition | undefined;
  /** The root fields in the order in which they began. */
  readonly #order: string[] = [];
  /** Root fields whose own resolver has failed. */
  readonly #refused = new Set<string>();
  /** The first root field whose answer comes in parts. */
  #deferred: string | undefined;
  #initial: OperationResult | undefined;
  #queryLogin: QueryLogin | undefined;
  readonly #failures: Path[] = [];
  #hasFailed = false;

  constructor(call: Call) {
    this.#call = call;
  }

  begin(shape: OperationShape): void {
    this.#shape = shape;
    if (!shape.isMutation) this.#queryLogin = new QueryLogin(this.#call);
  }

  /** Whether more than one root field of a mutation has begun. */
  get areSeveral(): boolean {
    return this.#order.length > 1;
  }

  /** Whether a part has failed. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Whether the path of every failure is known. */
  get canTell(): boolean {
    return this.#failures.length > 0 && this.#failures.every((path) => path.length > 0);
  }

  runnerOf(path: Path, definition: Definition): (<Result>(run: () => Result) => Result) | undefined {
    const { isMutation, isIncremental } = this.#shape;
    if (isMutation && definition.operation !== 'mutation') return undefined;
    this.#definition ??= definition;
    // A resolver runs another operation on its own context. That is a part of the resolver's work.
    if (this.#definition !== definition) return undefined;
    const [name] = path;
    const isRoot = path.length === 1 && typeof name === 'string';
    if (!isRoot) return isIncremental ? (run) => this.#runNested(path, run) : undefined;
    if (isMutation) return (run) => this.#runRoot(name, run);
    const login = this.#queryLogin;
    return login && ((run) => login.run(name, isIncremental ? () => this.#runNested(path, run) : run));
  }

  /** Decides which changes of an operation are saved, and which fields did not fail. */
  outcomeOf(result: OperationResult): { readonly keep: Keep; readonly succeeded: Keep } {
    if (!this.#shape.isMutation) return { keep: () => true, succeeded: () => this.#keepsLogin(result) };
    const failed = this.#failedFields(result);
    if (this.#order.length === 0) return this.#unobserved(failed);
    const isLate = this.#afterFailureBelow(failed);
    if (isLate.size > 0) this.#warnIf((layer) => isLate.has(rootOf(layer)));
    const succeeded: Keep = (layer) => !failed.has(rootOf(layer));
    return { keep: (layer) => succeeded(layer) && !isLate.has(rootOf(layer)), succeeded };
  }

  /** Notes a part of the result. Returns whether it is the first one. */
  notePart(result: OperationResult): boolean {
    const isInitial = this.#initial === undefined;
    this.#initial ??= result;
    this.#noteErrors(result.errors);
    for (const part of result.incremental ?? []) this.#noteErrors(part.errors);
    for (const part of result.completed ?? []) this.#noteErrors(part.errors);
    return isInitial;
  }

  fail(): void {
    this.#hasFailed = true;
    this.#failures.push([]);
  }

  /**
   * The outcome of the root fields that the initial result of a mutation decides: all fields up to
   * the first one that comes in parts.
   */
  initialOutcome(): { readonly keep: Keep; readonly hasFailed: Keep } | undefined {
    const outcome = this.#initial && this.outcomeOf(this.#initial);
    const last = this.#deferred === undefined ? this.#order.length : this.#order.indexOf(this.#deferred) + 1;
    const decided = new Set(this.#order.slice(0, last));
    if (!outcome || decided.size === 0) return undefined;
    const { keep, succeeded } = outcome;
    return {
      keep: (name) => decided.has(name) && keep(name),
      hasFailed: (name) => decided.has(name) && !succeeded(name),
    };
  }

  /**
   * The fields whose login takes effect with the initial result. All root resolvers have run by
   * then.
   */
  loginOutcome(): Keep {
    const initial = this.#initial ?? {};
    if (!this.#shape.isMutation) return () => this.#keepsLogin(initial);
    const failed = this.#failedFields(initial);
    return (layer) => !failed.has(rootOf(layer));
  }

  /** Which of the waiting changes are saved. */
  finalOutcome(): Keep {
    if (!this.#hasFailed) return () => true;
    this.#warnIf((name) => !this.#isSound(name));
    return (name) => this.#isSound(name);
  }

  warnDropped(): void {
    this.#warn(
      'changes to the session were dropped, because another part of the operation failed: use update() for such changes',
    );
  }

  #runRoot<Result>(name: string, run: () => Result): Result {
    this.#order.push(name);
    this.#call.fields.begin(name);
    const isDeferred = this.#shape.isIncremental && this.#shape.defers(name);
    if (isDeferred) this.#deferred ??= name;
    try {
      const result = orThrow(this.areSeveral ? run() : this.#call.start(run));
      if (!isPromise(result)) {
        if (isDeferred) this.#call.fields.begin(BELOW + name);
        return result;
      }
      return this.#whenSettled(name, result, isDeferred) as Result;
    } catch (error) {
      // A `create` cannot have finished synchronously, so only the draft must be undone.
      this.#refused.add(name);
      void this.#call.dropField();
      throw error;
    }
  }

  async #whenSettled<Value>(name: string, result: PromiseLike<Value>, isDeferred: boolean): Promise<Value> {
    try {
      const value = orThrow(await result);
      if (isDeferred) this.#call.fields.begin(BELOW + name);
      return value;
    } catch (error) {
      this.#refused.add(name);
      await this.#call.dropField();
      throw error;
    }
  }

  /** Changes that a resolver makes before it first waits are its own. */
  #runNested<Result>(path: Path, run: () => Result): Result {
    const name = PART + JSON.stringify(path);
    const around = this.#call.fields.current;
    this.#call.fields.begin(name);
    try {
      return run();
    } finally {
      this.#call.fields.begin(around ?? BELOW);
    }
  }

  /**
   * The outcome of a mutation whose root fields were not observed, because another plugin executes
   * a schema that this one has not seen. Which field made a change is not known.
   */
  #unobserved(failed: ReadonlySet<string>): { readonly keep: Keep; readonly succeeded: Keep } {
    const isSuccess = failed.size === 0;
    if (!isSuccess) this.warnDropped();
    return { keep: () => isSuccess, succeeded: () => isSuccess };
  }

  /** Whether the login of a query takes effect: not if a field failed that may have created it. */
  #keepsLogin(result: OperationResult): boolean {
    const failed = this.#failedFields(result);
    if (failed.size === 0 || this.#queryLogin?.outlives(failed)) return true;
    this.#warn('a login in a query was undone, because a field that ran beside it failed: log in with a mutation');
    return false;
  }

  #failedFields({ data, errors }: OperationResult): ReadonlySet<string> {
    const failed = failedNames(errors);
    const begun = this.#order.length > 0 ? this.#order : Object.keys(data ?? {});
    const names = begun.filter(
      (name) => (data?.[name] ?? null) === null && (failed.has(name) || failed.has(undefined)),
    );
    return new Set([...names, ...this.#refused]);
  }

  /**
   * The root fields after a field that failed below its resolver. The nested resolvers of that
   * field may have run beside them.
   */
  #afterFailureBelow(failed: ReadonlySet<string>): ReadonlySet<string> {
    const index = this.#order.findIndex((name) => failed.has(name) && !this.#refused.has(name));
    return new Set(index < 0 ? [] : this.#order.slice(index + 1));
  }

  #noteErrors(errors: OperationResult['errors']): void {
    for (const error of errors ?? []) {
      this.#hasFailed = true;
      this.#failures.push(error.path ?? []);
    }
  }

  #isSound(name: string): boolean {
    if (!name.startsWith(PART)) return false;
    const path: unknown = JSON.parse(name.slice(PART.length));
    return (
      Array.isArray(path) && !this.#failures.some((failure) => isWithin(path, failure) || isWithin(failure, path))
    );
  }

  #warn(message: string): void {
    this.#call.request.services.settings.logger?.warn(`token-sessions: ${message}`);
  }

  #warnIf(isDropped: Keep): void {
    this.#call.fields.close();
    if (this.#call.fields.pending.some(isDropped)) this.warnDropped();
  }
}

/** The root field that a layer of changes belongs to. */
function rootOf(layer: string): string {
  if (layer.startsWith(BELOW)) return layer.slice(BELOW.length);
  if (!layer.startsWith(PART)) return layer;
  const path: unknown = JSON.parse(layer.slice(PART.length));
  return String(Array.isArray(path) ? path[0] : '');
}

/** An error that a resolver returns counts as thrown, as in every executor. */
function orThrow<Value>(value: Value): Value {
  if (value instanceof Error) throw value;
  return value;
}

function isWithin(path: Path, ancestor: Path): boolean {
  return ancestor.every((key, index) => path[index] === key);
}

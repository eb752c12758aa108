import { isDeepStrictEqual } from 'node:util';
import type { Answer } from '../play/client.js';
import { cookieValue } from '../play/inspect.js';
import type { Trace } from '../play/play.js';
import { actorOf, callsOf, isSocket, type Program, type Request } from '../program.js';
import { ModelCall } from './call.js';
import { Complaint } from './complaint.js';
import { type Response, runHandler } from './express.js';
import { type GraphQLResult, runOperation } from './graphql.js';
import { ModelRequest, type World } from './request.js';
import { type Routine, Runtime } from './runtime.js';
import type { Outcome } from './steps.js';
import { Stored } from './store.js';
import { runProcedure } from './trpc.js';

/** Compares what happened in a round with what must happen. @throws Complaint */
export function judge(program: Program, trace: Trace): void {
  new Judge(program, trace).run();
}

class Judge {
  readonly #program: Program;
  readonly #trace: Trace;
  readonly #runtime: Runtime;
  readonly #world: World;
  readonly #requests: readonly ModelRequest[];
  /** The results of the calls, by their names. */
  readonly #calls = new Map<string, Routine<unknown>>();

  constructor(program: Program, trace: Trace) {
    this.#program = program;
    this.#trace = trace;
    this.#runtime = new Runtime(trace.turns);
    const sessions = trace.initial.map(
      ({ id, token, user }, order) =>
        new Stored({
          id,
          token,
          user,
          order,
          isStale: order === 0,
          isEffective: true,
          data: { userId: trace.userName(user), n: 0 },
        }),
    );
    this.#world = {
      runtime: this.#runtime,
      hasCookie: program.world === 'cookie',
      sessions,
      userName: trace.userName,
    };
    this.#requests = program.requests.map((request) => {
      const session = request.credential ? (sessions[request.credential.session] ?? null) : null;
      return new ModelRequest(this.#world, request, isSocket(request), session);
    });
  }

  run(): void {
    for (const turn of this.#trace.turns) {
      this.#runtime.play(turn, (name) => this.#send(name));
      this.#runtime.check();
    }
    const [stuck] = this.#trace.stuck;
    if (stuck !== undefined) throw new Complaint(`${stuck} stands still, though nothing holds it`);
    if (!this.#runtime.isOver)
      throw new Complaint(`the round is over; the model waits for ${this.#runtime.waiting.join(', ')}`);
    this.#checkAnswers();
    for (const [index, request] of this.#program.requests.entries()) this.#checkHead(request, index);
    this.#checkEnding();
  }

  #send(name: string): void {
    const index = Number(/^r(\d+)/.exec(name)?.[1]);
    const [request, model] = [this.#program.requests[index], this.#requests[index]];
    if (!request || !model) throw new Complaint(`there is no request ${name}`);
    const { front, calls } = callsOf(request, index);
    if (front === undefined) {
      const sent = isSocket(request) ? [name] : calls;
      this.#start(request, index, model, sent, undefined);
      return;
    }
    const handler = request.kind === 'express' ? request.handler : request.front;
    if (!handler) throw new Complaint(`${front} has no handler`);
    const passOn =
      request.kind === 'express' ? undefined : (call: ModelCall) => this.#start(request, index, model, calls, call);
    const isStream = request.kind === 'trpc' && request.link === 'stream';
    const status = this.#trace.heads[index]?.status;
    this.#calls.set(
      front,
      this.#runtime.start(
        runHandler({ runtime: this.#runtime, who: front, handler, request: model, passOn, isStream, status }),
      ),
    );
  }

  /** Starts calls of a request: all of them, or one of a socket. */
  #start(
    request: Request,
    index: number,
    model: ModelRequest,
    names: readonly string[],
    parent: ModelCall | undefined,
  ): Routine<unknown>[] {
    const runtime = this.#runtime;
    const context = { call: this.#contextOf(model, index, parent), handle: null };
    return names.flatMap((who): Routine<unknown>[] => {
      const call = Number(/\d+$/.exec(who)?.[0]);
      if (request.kind === 'trpc') {
        const procedure = request.calls[call];
        const holds = request.link === 'batch' && request.calls.length > 1;
        return procedure
          ? [
              this.#note(
                who,
                runtime.start(runProcedure({ runtime, who, procedure, context, isOfClient: true, holds })),
              ),
            ]
          : [];
      }
      const operation = request.kind === 'yoga' ? request.operations[call] : undefined;
      const isBatch = request.kind === 'yoga' && request.link === 'batch';
      return operation
        ? [this.#note(who, runtime.start(runOperation({ runtime, who, operation, request: model, parent, isBatch })))]
        : [];
    });
  }

  readonly #contexts = new Map<number, ModelCall>();

  /** The context of a request: the calls of a batch or socket share it. */
  #contextOf(model: ModelRequest, index: number, parent: ModelCall | undefined): ModelCall {
    const context = this.#contexts.get(index) ?? new ModelCall(model, { parent, hasOutcome: false });
    this.#contexts.set(index, context);
    return context;
  }

  #note(who: string, routine: Routine<unknown>): Routine<unknown> {
    this.#calls.set(who, routine);
    return routine;
  }

  #checkAnswers(): void {
    for (const [index, request] of this.#program.requests.entries()) {
      const { front, calls } = callsOf(request, index);
      const response =
        front === undefined ? undefined : (this.#calls.get(front)?.result?.value as Response | undefined);
      // Express has answered in place of the calls behind it.
      const isAnswered = request.kind !== 'express' && !response?.isLate;
      if (request.kind === 'express')
        this.#checkAnswer(actorOf(index, 'x'), { kind: 'value', value: response?.status });
      for (const who of isAnswered ? calls : []) {
        const value = this.#calls.get(who)?.result?.value;
        if (value !== undefined) this.#checkAnswer(who, expectedAnswer(request.kind, who, value));
      }
    }
  }

  #checkAnswer(who: string, expected: Answer): void {
    const answer = this.#trace.answers.get(who);
    if (isDeepStrictEqual(normal(answer), normal(expected))) return;
    throw new Complaint(
      `${who} was answered ${JSON.stringify(answer)}; the model expects ${JSON.stringify(expected)}`,
    );
  }

  #checkHead(request: Request, index: number): void {
    const [head, model] = [this.#trace.heads[index], this.#requests[index]];
    if (isSocket(request) || !model) return;
    if (!head) throw new Complaint(`the request ${index} has no answer`);
    if (model.carriesToken && !head.cacheControl?.includes('no-store')) {
      throw new Complaint(`the answer to r${index} carries a token and may be cached: ${head.cacheControl}`);
    }
    const values = head.cookies.map(cookieValue);
    const { cookie } = model;
    const allowed =
      cookie === undefined ? [] : cookie === 'ended' ? [''] : [cookie.session.lastToken, cookie.session.firstToken];
    const isRight =
      allowed.length === 0 ? values.length === 0 : values.length === 1 && allowed.includes(values[0] ?? 'none');
    if (isRight) return;
    throw new Complaint(
      `the answer to r${index} has the cookies ${JSON.stringify(values)}; the model expects ${JSON.stringify(allowed)}`,
    );
  }

  #checkEnding(): void {
    const { stored, live, opens } = this.#trace.ending;
    const alive = this.#world.sessions.filter(({ isAlive }) => isAlive);
    const expectedIds = alive.map(({ id }) => id).sort();
    if (!isDeepStrictEqual(live.toSorted(), expectedIds)) {
      throw new Complaint(
        `the sessions that live are ${live.toSorted().join(', ')}; the model expects ${expectedIds.join(', ')}`,
      );
    }
    for (const session of this.#world.sessions) {
      const { id, isAlive, newest, firstToken, lastToken } = session;
      const [is, expected] = [stored.get(id) ?? null, isAlive ? newest : null];
      if (!isDeepStrictEqual(is, expected)) {
        throw new Complaint(
          `what is stored of ${id} is ${JSON.stringify(is)}; the model expects ${JSON.stringify(expected)}`,
        );
      }
      for (const token of [firstToken, lastToken]) {
        if ((opens.get(token) ?? null) !== (isAlive ? id : null))
          throw new Complaint(`a token of ${id} opens ${opens.get(token)}`);
      }
    }
  }
}

const CODES: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'UNAUTHORIZED',
  SESSION_GONE: 'UNAUTHORIZED',
  STEP_UP_REQUIRED: 'UNAUTHORIZED',
  HEADERS_SENT: 'INTERNAL_SERVER_ERROR',
};

function expectedAnswer(kind: Request['kind'], who: string, value: unknown): Answer {
  if (kind === 'yoga') {
    const { data, errors } = value as GraphQLResult;
    return {
      kind: 'graphql',
      data:
        data &&
        Object.fromEntries(Object.entries(data).map(([name, end]) => [name, fieldValue(`${who}.${name}`, end)])),
      errors,
    };
  }
  const outcome = value as Outcome;
  if ('ok' in outcome) return { kind: 'value', value: `done ${who}` };
  const known = CODES[outcome.code];
  return { kind: 'error', code: known ?? 'INTERNAL_SERVER_ERROR', sessionCode: known && outcome.code };
}

/** The value of a root field, by how it ends. */
function fieldValue(who: string, end: unknown): unknown {
  if (end === 'soft') return { value: `done ${who}`, soft: null };
  return end === 'null' || end === 'below' || end === null
    ? null
    : end === 'Query' || end === 'Mutation'
      ? end
      : `done ${who}`;
}

/** Errors have no order of their own. */
function normal(answer: Answer | undefined): unknown {
  if (answer?.kind !== 'graphql') return answer;
  return { ...answer, errors: answer.errors.map((error) => JSON.stringify(error)).sort() };
}

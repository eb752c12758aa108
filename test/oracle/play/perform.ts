import { TRPCError } from '@trpc/server';
import type { RequestSessions, Session } from '../../../src/index.js';
import { isSessionError } from '../../../src/index.js';
import { nestedOf, type PlainStep, type Plan, type Procedure, type Step } from '../program.js';
import type { Data, Library } from './library.js';
import type { Seen, Stage } from './stage.js';

export interface Context {
  readonly session: Session<Data> | null;
  readonly sessions: RequestSessions<Data>;
}

/** The part of a host's context or request that the library adds. */
export function contextOf(host: object): Context {
  if ('sessions' in host) return host as Context;
  throw new Error('the library has put no sessions here');
}

/** The things that a part of a call can use. */
export interface Part {
  readonly stage: Stage;
  readonly library: Library;
  readonly who: string;
  readonly careful: boolean;
  /** The name of a user of this round. */
  readonly userName: (user: number) => string;
  readonly context: Context;
  /** The session that the code holds in a variable. */
  session: Session<Data> | null;
  /** Runs a procedure by a server-side caller made from the context. */
  readonly callProcedure: (procedure: Procedure, who: string) => Promise<unknown>;
}

/**
 * Does one step after the other, each in its turn. Errors are thrown on unless the code is
 * careful.
 */
export async function perform(plan: Plan, name: string, part: Part): Promise<void> {
  for (const [index, step] of plan.entries()) {
    const at = `${name}${index}`;
    await part.stage.turn(part.who, at);
    const note: Note = {};
    try {
      part.stage.log(part.who, at, { ...note, ...(await act(step, at, part, note)) });
    } catch (error) {
      part.stage.log(part.who, at, { ...note, code: codeOf(error) });
      if (!part.careful) throw error;
    }
  }
}

/** The error of a step for which the code has no session. */
class NoSession extends Error {}

export function codeOf(error: unknown): string {
  if (isSessionError(error)) return error.code;
  if (error instanceof TRPCError)
    return isSessionError(error.cause) ? error.cause.code : codeOf(error.cause ?? error.message);
  return error instanceof NoSession ? 'none' : 'error';
}

/** The part of a step's result that is known even if the step fails. */
interface Note {
  value?: string;
}

type Doing = (part: Part, note: Note) => Promise<Seen> | Seen;

const doings: { readonly [Name in PlainStep]: Doing } = {
  see: (part) => {
    const { current } = part.context.sessions;
    return {
      current: current?.id ?? null,
      same: current === part.session,
      id: part.session?.id ?? null,
      data: look(part.session),
    };
  },
  change: (part) => {
    const value = part.stage.unique();
    own(part).data[part.who] = value;
    return { value };
  },
  append: (part) => {
    const { data } = own(part);
    const list = `list ${part.who.replace(/\.f\d+$/, '')}`;
    const before = data[list];
    const value = part.stage.unique();
    data[list] = [...(Array.isArray(before) ? before : []), value];
    return { value, list: data[list] };
  },
  save: async (part) => {
    await own(part).save();
    return {};
  },
  update: async (part) => {
    const data = await own(part).update((newest) => {
      newest.n += 1;
    });
    return { data: { ...data } };
  },
  share: async (part, note) => {
    const session = own(part);
    note.value = part.stage.unique();
    session.data['last'] = note.value;
    await session.save();
    return { value: note.value };
  },
  reload: async (part) => {
    await own(part).reload();
    return { data: look(part.session) };
  },
  rotate: async (part) => ({ token: await own(part).rotate() }),
  destroy: async (part) => {
    await own(part).destroy();
    return {};
  },
  destroyOthers: async (part) => ({ ended: await part.context.sessions.destroyOthers() }),
  load: async (part) => {
    part.session = await part.context.sessions.load();
    return { id: part.session?.id ?? null, data: look(part.session) };
  },
  require: (part) => {
    part.session = part.library.core.requireSession(part.context);
    return { id: part.session.id, data: look(part.session) };
  },
  fresh: (part) => {
    part.session = part.library.core.requireFresh(part.context, '5m');
    return { id: part.session.id, data: look(part.session) };
  },
};

async function act(step: Step, at: string, part: Part, note: Note): Promise<Seen> {
  const { sessions } = part.context;
  switch (step.do) {
    case 'create': {
      const { id, token } = await create(part, step.user);
      return { id, token };
    }
    case 'createTwice': {
      const made = await Promise.all([create(part, step.user), create(part, step.user)]);
      return { ids: made.map(({ id }) => id), tokens: made.map(({ token }) => token) };
    }
    case 'createLate': {
      const note = (seen: Seen) => part.stage.log(part.who, `${at}+`, seen);
      sessions.create(dataOf(part, step.user)).then(
        ({ id, token }) => note({ id, token }),
        (error: unknown) => note({ code: codeOf(error) }),
      );
      return {};
    }
    case 'nested':
      return callAll(step.calls, at, part);
    default:
      return doings[step.do](part, note);
  }
}

async function create(part: Part, user: number) {
  const session = await part.context.sessions.create(dataOf(part, user));
  part.session = session;
  return session;
}

function dataOf({ userName }: Part, user: number): Data {
  return { userId: userName(user), n: 0 };
}

async function callAll(calls: readonly Procedure[], at: string, part: Part): Promise<Seen> {
  const results = await Promise.allSettled(
    calls.map((procedure, index) => part.callProcedure(procedure, nestedOf(part.who, at, index))),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return {};
}

function own({ session }: Part): Session<Data> {
  if (session) return session;
  throw new NoSession('the code has no session');
}

/** A copy of what a session gives, or the code of the error that it throws. */
function look(session: Session<Data> | null): unknown {
  if (!session) return null;
  try {
    const copy: unknown = JSON.parse(JSON.stringify(session.data));
    return copy;
  } catch (error) {
    return codeOf(error);
  }
}

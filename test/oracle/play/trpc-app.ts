import { initTRPC } from '@trpc/server';
import { z } from 'zod';
import type { RequestSessions, Session, Sessions } from '../../../src/index.js';
import type { Procedure } from '../program.js';
import type { Data, Library } from './library.js';
import { codeOf, type Part, perform } from './perform.js';
import { named, type Round } from './round.js';

interface OpenContext {
  readonly session?: Session<Data> | null;
  readonly sessions: RequestSessions<Data>;
}

interface Call {
  readonly ctx: OpenContext;
  readonly input: string;
}

interface Passing<Result> extends Call {
  readonly next: () => Promise<Result>;
}

type Result = { readonly ok: boolean; readonly error?: unknown };

/**
 * The procedures, one for each pair of guards. The input of a call says which procedure of the
 * program it is. All in one function: the procedures call each other through the router, whose
 * type is inferred from them.
 */
export function makeTrpc(library: Library, sessions: Sessions<Data>, roundNow: () => Round) {
  const { createContext, responseMeta, errorFormatter, ...guards } = library.trpc.trpcSessions(sessions);
  const t = initTRPC.context<typeof createContext>().create({ errorFormatter });
  const { withSession, requireSession } = guards;
  const requireFresh = guards.requireFresh('5m');

  function partOf({ ctx, input: who }: Call, procedure: Procedure): Part {
    const { stage, userName } = roundNow();
    const session = ctx.session ?? null;
    return {
      stage,
      library,
      who,
      careful: procedure.careful,
      userName,
      context: { session, sessions: ctx.sessions },
      session,
      callProcedure: (nested, nestedWho) => t.createCallerFactory(router)(ctx)[nameOf(nested)](nestedWho),
    };
  }

  async function outermost<Passed extends Result>(call: Passing<Passed>): Promise<Passed> {
    const { input: who, next } = call;
    const { stage, procedures } = roundNow();
    const procedure = named(procedures, who);
    const part = partOf(call, procedure);
    try {
      await stage.turn(who, 'begin');
      await perform(procedure.before, 'before', part);
      const result = await run(next, who, procedure.again === 'first');
      await perform(procedure.after, 'after', part);
      if (procedure.failing === 'after') throw new Error('planned');
      stage.end(who, outcome(result));
      return result;
    } catch (error) {
      stage.end(who, { code: codeOf(error) });
      throw error;
    }
  }

  async function inner<Passed extends Result>(call: Passing<Passed>): Promise<Passed> {
    const { input: who, next } = call;
    const { stage, procedures } = roundNow();
    const procedure = named(procedures, who);
    const part = partOf(call, procedure);
    stage.log(who, 'first', { id: part.session?.id ?? null });
    await perform(procedure.middle, 'middle', part);
    const result = await run(next, who, procedure.again === 'second');
    await perform(procedure.late, 'late', part);
    if (procedure.failing === 'late') throw new Error('planned');
    return result;
  }

  /** Runs the rest of a procedure, perhaps twice, and notes what it came to. */
  async function run<Passed extends Result>(
    next: () => Promise<Passed>,
    who: string,
    isTwice: boolean,
  ): Promise<Passed> {
    const { stage } = roundNow();
    if (isTwice) stage.log(who, 'passed', outcome(await next()));
    const result = await next();
    stage.log(who, 'passed', outcome(result));
    return result;
  }

  async function body(call: Call): Promise<unknown> {
    const { input: who } = call;
    const { stage, procedures } = roundNow();
    const procedure = named(procedures, who);
    const part = partOf(call, procedure);
    stage.log(who, 'second', { id: part.session?.id ?? null });
    await perform(procedure.body, 'body', part);
    if (procedure.end === 'throw') throw new Error('planned');
    return procedure.end === 'ok' ? `done ${who}` : 0;
  }

  const open = t.procedure.input(z.string()).use(outermost);
  // Typed as a string, so that the procedures may answer what the output refuses.
  const output = z.unknown().refine((value) => typeof value === 'string');
  const none = open.use(inner);
  const one = open.concat(withSession).use(inner);
  const required = open.concat(requireSession).use(inner);
  const fresh = open.concat(requireFresh).use(inner);
  const router = t.router({
    none_none: none.output(output).mutation(body),
    none_with: none.concat(withSession).output(output).mutation(body),
    none_require: none.concat(requireSession).output(output).mutation(body),
    none_fresh: none.concat(requireFresh).output(output).mutation(body),
    with_none: one.output(output).mutation(body),
    with_with: one.concat(withSession).output(output).mutation(body),
    with_require: one.concat(requireSession).output(output).mutation(body),
    with_fresh: one.concat(requireFresh).output(output).mutation(body),
    require_none: required.output(output).mutation(body),
    require_with: required.concat(withSession).output(output).mutation(body),
    require_require: required.concat(requireSession).output(output).mutation(body),
    require_fresh: required.concat(requireFresh).output(output).mutation(body),
    fresh_none: fresh.output(output).mutation(body),
    fresh_with: fresh.concat(withSession).output(output).mutation(body),
    fresh_require: fresh.concat(requireSession).output(output).mutation(body),
    fresh_fresh: fresh.concat(requireFresh).output(output).mutation(body),
  });
  return { router, createContext, responseMeta };
}

/** The procedure of the router that has these guards. */
export function nameOf<First extends Procedure['first'], Second extends Procedure['second']>({
  first,
  second,
}: {
  readonly first: First;
  readonly second: Second;
}): `${First}_${Second}` {
  return `${first}_${second}`;
}

function outcome({ ok, error }: Result): { readonly ok: true } | { readonly code: string } {
  return ok ? { ok: true } : { code: codeOf(error) };
}

import type { Finding } from './oracle.js';
import { actorOf, fieldOf, type Handler, type Plan, type Procedure, type Program, type Request } from './program.js';

/** A finding as a text that says how to see it again, and what the calls do. */
export function describeFinding({ seed, complaint, program }: Finding): string {
  return [complaint, '', `To see it again: ORACLE_SEED=${seed} ORACLE_ROUNDS=1`, ...describeProgram(program)].join(
    '\n',
  );
}

function describeProgram({ world, requests, turns }: Program): string[] {
  const lines = requests.flatMap((request, index) => describeRequest(request, index));
  return [
    `In the world ${world}, with the turns ${turns.join(' ')}:`,
    ...lines,
    JSON.stringify({ world, requests, turns }),
  ];
}

function describeRequest(request: Request, index: number): string[] {
  const { credential, kind } = request;
  const caller = credential ? `session ${credential.session} by ${credential.by}` : 'nobody';
  const link = kind === 'express' ? '' : ` ${request.link}`;
  const handler = kind === 'express' ? request.handler : request.front;
  const lines = [`r${index}: ${kind}${link}, as ${caller}`];
  if (handler) lines.push(`  ${actorOf(index, 'x')}: ${describeHandler(handler)}`);
  if (kind === 'trpc')
    for (const [call, each] of request.calls.entries())
      lines.push(`  ${actorOf(index, 'c', call)}: ${describeProcedure(each)}`);
  if (kind !== 'yoga') return lines;
  for (const [call, { type, fields, typename, context }] of request.operations.entries()) {
    const who = actorOf(index, 'o', call);
    lines.push(`  ${who}: ${type}${typename === 'no' ? '' : ' with __typename'}${named('context', context)}`);
    for (const [number, { body, end, careful }] of fields.entries()) {
      lines.push(`    ${fieldOf(who, number)}: ${steps(body)}; ${end}${careful ? ', careful' : ''}`);
    }
  }
  return lines;
}

function describeHandler({ body, end, careful, guarded }: Handler): string {
  return `${steps(body)}; ${end}${careful ? ', careful' : ''}${guarded ? ', with expressSessionErrors' : ''}`;
}

function describeProcedure(procedure: Procedure): string {
  const { before, first, middle, second, body, late, after, end, failing, again, careful } = procedure;
  const parts = [
    named('before', before),
    first === 'none' ? '' : ` [${first}]`,
    named('middle', middle),
    second === 'none' ? '' : ` [${second}]`,
    named('body', body),
    named('late', late),
    named('after', after),
  ];
  const words = [
    end,
    failing === 'never' ? '' : `fails ${failing}`,
    again === 'never' ? '' : `again ${again}`,
    careful ? 'careful' : '',
  ];
  return `${parts.join('').trim()}; ${words.filter(Boolean).join(', ')}`;
}

function named(name: string, plan: Plan): string {
  return plan.length === 0 ? '' : ` ${name}: ${steps(plan)}`;
}

function steps(plan: Plan): string {
  const words = plan.map((step) => {
    if (step.do === 'nested') return `nested (${step.calls.map(describeProcedure).join(' | ')})`;
    return 'user' in step ? `${step.do} ${step.user}` : step.do;
  });
  return words.join(', ') || 'nothing';
}

import { GraphQLError } from 'graphql';
import { requireSession } from '../../../src/index.js';
import {
  type Answer,
  type ContractData,
  type Operation,
  protectedOperations,
  publicOperations,
  Refusal,
} from '../contract/operations.js';
import type { Handler } from '../yoga/support/app.js';
import { codesOf, type Result } from '../yoga/support/client.js';

/*
 * The operations of the contract as fields, for GraphQL hosts.
 */

const OUTCOMES: Readonly<Record<string, Answer['outcome']>> = {
  UNAUTHENTICATED: 'unauthenticated',
  SERVICE_UNAVAILABLE: 'unavailable',
  INTERNAL_SERVER_ERROR: 'internal',
};

export const run: Record<string, Handler<ContractData>> = {};
for (const [name, operation] of Object.entries(publicOperations))
  run[name] = (ctx, value) => operation(ctx, value).catch(refuse);
for (const [name, operation] of Object.entries(protectedOperations)) {
  run[name] = (ctx, value) => operation({ ...ctx, session: requireSession(ctx) }, value).catch(refuse);
}

function refuse(error: unknown): never {
  throw error instanceof Refusal ? new GraphQLError(error.message, { extensions: { code: 'REFUSED' } }) : error;
}

export function documentOf(operation: Operation, value: string): string {
  const kind = operation === 'whoAmI' || operation === 'theme' ? 'query' : 'mutation';
  return `${kind} { run(op: "${operation}", value: "${value}") }`;
}

export function answerOf(result: Result): Omit<Answer, 'text'> {
  if (!result.errors) return { outcome: 'ok', value: text(result.data?.['run']) };
  return { outcome: OUTCOMES[String(codesOf(result)[0])] ?? 'refused', value: null };
}

function text(field: unknown): string | null {
  return typeof field === 'string' ? field : null;
}

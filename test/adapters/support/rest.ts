import { requireSession } from '../../../src/index.js';
import {
  type Answer,
  type ContractContext,
  type Host,
  type Operation,
  protectedOperations,
  publicOperations,
} from '../contract/operations.js';

/*
 * The operations of the contract for hosts with routes: `POST /run?operation=…&value=…` answers `{
 * "value": … }`, and errors of the library come as `application/problem+json`.
 */

/** Runs the operation that the URL names. */
export async function runOperation(url: string, context: ContractContext): Promise<{ value: string | null }> {
  const { searchParams } = new URL(url, 'http://localhost');
  const [name, value] = [searchParams.get('operation') ?? '', searchParams.get('value') ?? ''];
  if (isPublic(name)) return { value: await publicOperations[name](context, value) };
  if (!isProtected(name)) throw new Error(`the contract has no ${name}`);
  return { value: await protectedOperations[name]({ ...context, session: requireSession(context) }, value) };
}

function isPublic(name: string): name is keyof typeof publicOperations {
  return name in publicOperations;
}

function isProtected(name: string): name is keyof typeof protectedOperations {
  return name in protectedOperations;
}

const OUTCOMES: Readonly<Record<string, Answer['outcome']>> = {
  UNAUTHENTICATED: 'unauthenticated',
  SESSION_GONE: 'unauthenticated',
  STORE_UNAVAILABLE: 'unavailable',
  INTERNAL: 'internal',
};

/** Calls the operations as a client. */
export function restCall(send: (path: string, init: RequestInit) => Response | Promise<Response>): Host['call'] {
  return async (operation: Operation, value, headers) => {
    const path = `/run?operation=${operation}&value=${encodeURIComponent(value)}`;
    const response = await send(path, { method: 'POST', headers: { ...headers } });
    const text = await response.text();
    const answer = { status: response.status, headers: response.headers, text };
    if (response.ok) return { ...answer, outcome: 'ok', value: JSON.parse(text).value };
    const code = response.headers.get('content-type')?.startsWith('application/problem+json')
      ? JSON.parse(text).code
      : undefined;
    return { ...answer, outcome: OUTCOMES[code] ?? 'refused', value: null };
  };
}

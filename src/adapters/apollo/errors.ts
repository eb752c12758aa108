import type { HTTPGraphQLHead } from '@apollo/server';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import { isSessionError } from '../../core/error.js';
import type { Call } from '../../core/session/call.js';
import { restate } from '../../graphql/errors.js';
import { reportInternal } from '../../http/handle.js';
import { field, isObject } from '../../http/hosts.js';

/** Replaces the library's errors in the list by their public form, before Apollo formats them. */
export function restateErrors(errors: readonly GraphQLError[], call: Call): void {
  const restated = errors.map((error) => restate(error));
  for (const { cause } of restated) if (isSessionError(cause)) reportInternal(cause, call);
  // The hook offers no other way: Apollo Server formats the array that it passed in.
  Object.assign(errors, restated);
}

/** An error in the form that Apollo Server sends. */
export function formatted(error: GraphQLError): GraphQLFormattedError {
  const { http: _, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
}

/** Puts the status and headers of errors on the response. */
export function applyStatus(head: HTTPGraphQLHead, errors: readonly GraphQLError[] | undefined): void {
  for (const { extensions } of errors ?? []) {
    const [status, headers] = [field(extensions['http'], 'status'), field(extensions['http'], 'headers')];
    if (typeof status !== 'number' || !isObject(headers)) continue;
    head.status = status;
    for (const [name, value] of Object.entries(headers)) head.headers.set(name.toLowerCase(), String(value));
  }
}

import type { FastifyReply } from 'fastify';
import type { SessionError } from '../../core/error.js';
import type { Call } from '../../core/session/call.js';
import { challenge, type Exchange, problemBody, publicError } from '../../http/errors.js';
import { field } from '../../http/hosts.js';

/**
 * The payload of the answer to a library error. Fastify's own error handler would show the
 * message, which is meant for the server. So the answer becomes `application/problem+json`. The
 * answer of an error handler of the application stays as it is.
 */
export function errorPayload(error: SessionError, reply: FastifyReply, payload: unknown, exchange: Exchange): unknown {
  if (reply.statusCode === 401) void reply.header('www-authenticate', challenge(error, exchange));
  if (!isDefault(payload, error)) return payload;
  void reply.code(publicError(error).status).header('content-type', 'application/problem+json');
  void reply.removeHeader('content-length');
  return problemBody(error);
}

/** Whether Fastify's own handler made the payload. */
function isDefault(payload: unknown, error: SessionError): boolean {
  if (typeof payload !== 'string') return false;
  try {
    const body: unknown = JSON.parse(payload);
    return field(body, 'message') === error.message && typeof field(body, 'statusCode') === 'number';
  } catch {
    return false;
  }
}

/** Answers a hijacked request whose changes could not be saved. */
export function answerRaw({ raw }: FastifyReply, error: unknown, call: Call): void {
  const { status } = publicError(error);
  call.request.services.settings.logger?.error('token-sessions: the changes of a hijacked request could not be saved');
  raw.statusCode = status;
  raw.setHeader('content-type', 'application/problem+json');
  raw.end(problemBody(error));
}

import { isGone } from '../core/kernel/lifecycle.js';
import { describeError } from '../core/logger.js';
import type { Call } from '../core/session/call.js';
import { field } from './hosts.js';
import { type EndableResponse, holdEnd } from './node-end.js';
import { isStatus, onHead } from './node-head.js';

/**
 * Marks a call whose request met an error. Must be plain data, because other copies of the package
 * read it.
 */
const FAILED = { failed: true } as const;

/** Notes that an error handler will answer: the request has failed, whatever the status. */
export function markFailed(call: Call): void {
  call.details = FAILED;
}

/**
 * Whether the request has failed, by this status or by {@link markFailed}. A status that cannot be
 * sent is an error.
 */
export function isFailure(call: Call, status: number): boolean {
  return status >= 500 || !isStatus(status) || field(call.details, 'failed') === true;
}

/**
 * Reports the outcome of a request to its call, by the status. This happens when the response
 * ends, or earlier when its head leaves.
 *
 * @param fail answers a request whose changes could not be saved
 */
export function concludeWithResponse(call: Call, res: EndableResponse, fail: (error: unknown) => void): void {
  let hasFailed: boolean | undefined;
  let concluding: Promise<void> | undefined;
  let isClosed = false;

  function decide(status: number): void {
    hasFailed ??= isFailure(call, status);
    if (hasFailed) return;
    // The token of a login must leave with the head. Later logins take effect immediately.
    call.announce();
    call.stream();
  }

  function conclude(): Promise<void> {
    hasFailed ??= isFailure(call, res.statusCode);
    concluding ??= hasFailed ? call.rollback() : call.commit();
    return concluding;
  }

  onHead(res, decide, true);
  holdEnd(res, {
    isNeeded: () => !concluding && call.isPending,
    // After the head has left, an end by others in the meantime is one that came after the answer.
    run: () =>
      conclude().catch((error: unknown) => {
        if (!res.headersSent || !isGone(error)) throw error;
      }),
    failed: (error) => {
      hasFailed = undefined;
      if (isClosed) report(call, error);
      fail(error);
    },
  });
  res.once('close', () => {
    isClosed = true;
    if (!concluding && !res.headersSent) {
      // The client has left, but the handler still runs: its end or its error decides.
      if (!call.isLoggingIn) return call.end();
      // The client never received the token of the login.
      hasFailed = true;
    }
    if (!concluding && !call.isPending) return call.end();
    conclude().then(
      () => call.end(),
      (error: unknown) => report(call, error),
    );
  });
}

/** Logs a failure that can no longer reach a client. */
function report(call: Call, error: unknown): void {
  call.request.services.settings.logger?.error(
    `token-sessions: a request's changes could not be saved: ${describeError(error)}`,
  );
}

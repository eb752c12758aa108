import { sessionProblem } from 'token-sessions/client';

/** The sentence to show when a call has failed, over whatever protocol. */
export function explain(error: unknown): string {
  switch (sessionProblem(error)) {
    case 'ended':
      return 'This session has ended: log in again.';
    case 'step-up':
      return 'Not without the password.';
    case 'replaced':
      return 'Another tab was faster: try again.';
    case 'unavailable':
      return 'The store is away (503). All users stay logged in.';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

import { sessionProblem } from 'token-sessions/client';

/** What to tell the user when a call has failed, over whatever protocol. */
export function explain(error: unknown): string {
  switch (sessionProblem(error)) {
    case 'ended':
      return 'This session has ended: log in again.';
    case 'step-up':
      return 'Not without the password.';
    case 'replaced':
      return 'Another tab was faster: try again.';
    case 'unavailable':
      return 'The store is away (503). Nobody is logged out.';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

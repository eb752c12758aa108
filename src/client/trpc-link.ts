import type { SessionClient } from './types.js';

/* The parts of tRPC's observables that the link needs, without an import of tRPC. */

interface Subscription {
  unsubscribe(): void;
}

/** An error of tRPC. The server says if a part of the call has run before it was refused. */
interface Refusal {
  readonly data?: { readonly ran?: boolean } | null | undefined;
}

interface Observer {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

interface Observable {
  subscribe(observer: Observer): Subscription;
}

interface Call<Operation, Result> {
  readonly op: Operation;
  readonly next: (op: Operation) => Result;
}

/**
 * A client whose `recover` takes one argument more than its public type shows. This link knows
 * whether it has repeated a call.
 */
interface Recovering extends Pick<SessionClient, 'token'> {
  readonly recover: (error: unknown, sent: string | null, isLast: boolean | undefined) => Promise<boolean>;
}

type Operator = (source: unknown) => unknown;

/** A `TRPCLink` for any router. */
export type TRPCSessionLink = () => <Operation, Result extends Observable>(call: Call<Operation, Result>) => Result;

/**
 * A tRPC link that repeats calls which the server has refused, and only those: of a batch, each
 * call is looked at alone. Put it before the link that sends, which gets `fetch: session.fetch`.
 *
 * @example
 * createTRPCClient<AppRouter>({
 *   links: [trpcSessionLink(session), httpBatchLink({ url: '/trpc', fetch: session.fetch })],
 * });
 */
export function trpcSessionLink(client: SessionClient): TRPCSessionLink {
  return () => (call) => {
    const source = call.next(call.op);
    // The same observable, except for how it begins.
    const self: typeof source = {
      ...source,
      subscribe: (observer: Observer) => run(client, call, source, observer),
      pipe: (...operators: Operator[]) => operators.reduce<unknown>((value, operator) => operator(value), self),
    };
    return self;
  };
}

/** Sends a call at most twice. */
function run<Operation>(
  { token, recover }: Recovering,
  { op, next }: Call<Operation, Observable>,
  source: Observable,
  observer: Observer,
): Subscription {
  let current: Subscription | undefined;
  let isLast = false;
  let isOver = false;
  const fail = (error: unknown): void => {
    if (!isOver) observer.error(error);
  };
  const send = (to: Observable): Promise<void> =>
    token()
      .then((sent) => {
        if (isOver) return;
        current = to.subscribe({
          ...observer,
          async error(error: Refusal) {
            if (!(await recover(error, sent, isLast || error.data?.ran))) return fail(error);
            isLast = true;
            return send(next(op));
          },
        });
      })
      .catch(fail);
  send(source);
  return {
    unsubscribe() {
      isOver = true;
      current?.unsubscribe();
    },
  };
}

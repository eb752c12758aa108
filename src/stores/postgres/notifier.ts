import { partsOf } from '../shared/steps.js';
import type { Warnings } from '../shared/warnings.js';
import { type Runner, type Statement, statement } from './runner.js';

/** A notification may take up to 8,000 bytes: this many ids of 36 characters, with commas. */
const IDS_IN_A_NOTIFICATION = 200;
/** How many notifications one statement sends. */
const AT_ONCE = 50;

const NOTIFY: Statement = statement(
  'notify',
  `SELECT pg_notify($1, ids)::text AS sent FROM unnest(string_to_array($2, ';')) AS ids`,
);

/**
 * Sends notifications of ended sessions, in statements of their own: in the whole server, only one
 * transaction that notifies can commit at a time. At most one statement runs. It covers all
 * sessions that have ended since the previous one.
 */
export class Notifier {
  readonly #runner: Runner;
  readonly #channel: string;
  readonly #warnings: Warnings;
  #waiting: string[] = [];
  #sends = false;

  constructor(runner: Runner, channel: string, warnings: Warnings) {
    this.#runner = runner;
    this.#channel = channel;
    this.#warnings = warnings;
  }

  ended(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) this.#waiting.push(id);
    if (!this.#sends) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#sends = true;
    while (this.#waiting.length > 0) {
      const ids = this.#waiting.splice(0, IDS_IN_A_NOTIFICATION * AT_ONCE);
      const payloads = [...partsOf(ids, IDS_IN_A_NOTIFICATION)].map((some) => some.join(','));
      try {
        await this.#runner.run(NOTIFY, [this.#channel, payloads.join(';')]);
      } catch {
        // The sessions have ended. Other processes notice at their next recheck.
        this.#warnings.report(
          'a notification of ended sessions could not be sent: other processes notice the end at their next recheck',
        );
      }
    }
    this.#sends = false;
  }
}

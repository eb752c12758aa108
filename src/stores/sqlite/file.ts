import { statSync } from 'node:fs';
import { SessionError } from '../../core/error.js';
import type { Row } from '../sql-record.js';

/** How often it is looked at for reads, in ms. */
const INTERVAL = 1_000;

/**
 * The file that a connection has opened. SQLite goes on with one that has been deleted, or replaced by another: all seems well until the
 * process ends, and then what it had acknowledged is nowhere.
 */
export class DatabaseFile {
  readonly #path: string;
  readonly #opened: string | undefined;
  #lookAt = performance.now() + INTERVAL;

  /** @param databases the answer of `PRAGMA database_list` */
  constructor(databases: readonly Row[]) {
    this.#path = String(databases.find((row) => row['name'] === 'main')?.['file'] ?? '');
    // A database in memory has no file.
    this.#opened = identity(this.#path);
  }

  /** @throws `STORE_UNAVAILABLE` where the file is not there any more */
  assertThere(): void {
    if (this.#opened === undefined || this.#opened === identity(this.#path)) return;
    throw new SessionError(
      'STORE_UNAVAILABLE',
      'the file of the SQLite database has been deleted or replaced while it was in use: put it back, or open the database anew',
    );
  }

  /** The same for what happens often. It is not done each time, but once it has failed it fails until the file is back. */
  assertThereOfLate(): void {
    const now = performance.now();
    if (now < this.#lookAt) return;
    this.assertThere();
    this.#lookAt = now + INTERVAL;
  }
}

function identity(path: string): string | undefined {
  const stats = path === '' ? undefined : statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev} ${stats.ino}`;
}

/**
 * Problems that an operator should know. Each is reported once to every listener, including later
 * ones.
 */
export class Warnings {
  readonly #messages = new Set<string>();
  readonly #listeners = new Set<(message: string) => void>();

  add(listener: (message: string) => void): void {
    this.#listeners.add(listener);
    for (const message of this.#messages) listener(message);
  }

  report(message: string): void {
    if (this.#messages.has(message)) return;
    this.#messages.add(message);
    for (const listener of this.#listeners) listener(message);
  }
}

/**
 * Where the library reports. Each method gets one string: console, pino, winston and log4js fit.
 */
export interface Logger {
  debug?(message: string): void;
  info?(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The text of an error for a log line. A store's error must go through `withoutSecrets` first. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

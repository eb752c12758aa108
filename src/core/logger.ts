/**
 * Where the library reports. Each method gets one string: console, pino, winston and log4js fit.
 */
export interface Logger {
  /** Details. Not used so far. */
  debug?(message: string): void;
  /** Ordinary events. Not used so far. */
  info?(message: string): void;
  /** Something that an operator or developer should change. */
  warn(message: string): void;
  /** A failure. The message has no token, hash or data. */
  error(message: string): void;
}

/** The same logger, except that its own failures do not reach what it reports about. */
export function harmless(logger: Logger): Logger {
  const quietly = (level: 'warn' | 'error') => async (message: string) => {
    try {
      await logger[level](message);
    } catch {
      // There is no other place to report to.
    }
  };
  return { warn: quietly('warn'), error: quietly('error') };
}

/** The text of an error for a log line. A store's error must go through `withoutSecrets` first. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

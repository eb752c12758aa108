/** Where the library reports. Each method is called with one string, so console, pino, winston and log4js all fit. */
export interface Logger {
  debug?(message: string): void;
  info?(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The text of an error for a log line. Our own errors never hold a token; a store's message comes from the store. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

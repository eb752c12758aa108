import type { TRPCDefaultErrorShape, TRPCError } from '@trpc/server';
import { isSessionError, type SessionErrorCode } from '../../core/error.js';
import { publicError } from '../../http/errors.js';
import { answerTo, isBareSessionError } from './errors.js';

/** The fields that `errorFormatter` adds to the data of an error. */
export type SessionErrorData = {
  /** The code of an error of the library, such as `STEP_UP_REQUIRED`. Other errors have none. */
  readonly sessionCode?: SessionErrorCode;
  /**
   * For `STEP_UP_REQUIRED`: whether a part of the call has run, so that repeating it could do
   * something twice.
   */
  readonly ran?: true;
};

interface FormatterOptions {
  readonly error: TRPCError;
  readonly shape: TRPCDefaultErrorShape;
}

/**
 * The option `errorFormatter` of `initTRPC.create()`: itself, or `errorFormatter(own)` around the
 * application's own.
 */
export interface ErrorFormatter {
  <Options extends FormatterOptions, Shape extends { readonly data: object }>(
    own: (options: Options) => Shape,
  ): (options: Options) => Shape & { readonly data: Shape['data'] & SessionErrorData };
  (
    options: FormatterOptions,
  ): TRPCDefaultErrorShape & { readonly data: TRPCDefaultErrorShape['data'] & SessionErrorData };
}

function format<Options extends FormatterOptions, Shape extends { readonly data: object }>(
  options: Options,
  own: (options: Options) => Shape,
): Shape & { readonly data: Shape['data'] & SessionErrorData } {
  const shape = own({ ...options, shape: restated(options) });
  const { cause } = options.error;
  const code = isSessionError(cause) ? publicError(cause).code : 'INTERNAL';
  if (code === 'INTERNAL' || !isOurs(options.error)) return shape;
  const ran = isSessionError(cause) && cause.mayRepeat === false;
  return { ...shape, data: { ...shape.data, sessionCode: code, ...(ran && { ran }) } };
}

/** Whether the library made the error, or tRPC made it from a library error. */
function isOurs(error: TRPCError): boolean {
  return isBareSessionError(error) || error.message === answerTo(error.cause).message;
}

/** Gives a library error of an unguarded procedure the same answer as one from a guard. */
function restated({ error, shape }: FormatterOptions): TRPCDefaultErrorShape {
  if (!isBareSessionError(error)) return shape;
  const { code, status, message } = answerTo(error.cause);
  return { ...shape, message, data: { ...shape.data, code, httpStatus: status } };
}

function errorFormatterFunction(
  first: FormatterOptions | ((options: FormatterOptions) => { readonly data: object }),
): unknown {
  return typeof first === 'function'
    ? (options: FormatterOptions) => format(options, first)
    : format(first, ({ shape }) => shape);
}

export const errorFormatter = errorFormatterFunction as ErrorFormatter;

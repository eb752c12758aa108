/** An act of the library that the model does not allow. */
export class Complaint extends Error {
  override readonly name = 'Complaint';
}

/** The error of a step, in the model. */
export class Fail extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The code of an error of the model. Complaints are no errors of a step: they end the round. */
export function failureOf(error: unknown): string {
  if (error instanceof Fail) return error.code;
  throw error;
}

/** Whether two types are exactly the same: `any` is the same as nothing but itself. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only where the type argument is `true`. */
export function holds<_ extends true>(): void {}

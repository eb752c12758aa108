/** Express 4 beside 5. The parts that the tests use have the same types. */
declare module 'express4' {
  export { default } from 'express';
}

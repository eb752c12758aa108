/** Express 4 beside 5. What the tests use of it is typed alike. */
declare module 'express4' {
  export { default } from 'express';
}

/**
 * Sessions for Express 4 and 5, Connect and plain `http`.
 *
 * @module token-sessions/express
 */

export {
  expressSessionErrors,
  expressSessions,
  type MiddlewareRequest,
  type SessionErrorMiddleware,
  type SessionMiddleware,
  type SessionRequest,
} from './middleware.js';

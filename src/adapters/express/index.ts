export {
  expressSessionErrors,
  expressSessions,
  type MiddlewareRequest,
  type SessionErrorMiddleware,
  type SessionMiddleware,
  type SessionRequest,
} from './middleware.js';

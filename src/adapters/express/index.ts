export { expressSessions, type MiddlewareRequest, type SessionMiddleware, type SessionRequest } from './middleware.js';

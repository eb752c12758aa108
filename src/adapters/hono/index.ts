export { honoSessions } from './middleware.js';

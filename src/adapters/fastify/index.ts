export { fastifySessions } from './plugin.js';

/**
 * Sessions, the places where tokens are read, the memory store, guards and errors.
 *
 * @module token-sessions
 */

export type { JsonObject, JsonValue } from './core/data/json.js';
export type { Duration } from './core/duration.js';
export { isSessionError, SessionError, type SessionErrorCode } from './core/error.js';
export type { SessionEvent, SessionEventName, SessionEvents, SessionListener } from './core/events.js';
export type { Logger } from './core/logger.js';
export type {
  LimitedInsert,
  OwnerLimit,
  OwnerTrim,
  SessionRecord,
  SessionStore,
  StoreListener,
  StoreSteps,
  TouchedRecord,
} from './core/store.js';
export type {
  NewSession,
  RequestSessions,
  RotateOptions,
  Session,
  SessionContext,
  SessionInfo,
  SessionJson,
} from './core/types.js';
export { createSessions, type SchemaSessionsOptions, type SessionsOptions } from './create-sessions.js';
export { type CookieOptions, cookie } from './http/cookie-source.js';
export { requireFresh, requireSession, type WithSession } from './http/guards.js';
export type { HeaderReader, HeadersLike } from './http/header-reader.js';
export type { SessionContextOf, SessionOf, Sessions } from './http/sessions.js';
export {
  type BearerOptions,
  bearer,
  type HeaderOptions,
  header,
  type RequestDetails,
  type TokenSource,
  type WritePurpose,
} from './http/token-source.js';
export type { LegacySession, LegacySessions } from './legacy/legacy-sessions.js';
export { type MemoryStoreOptions, memoryStore } from './stores/memory/index.js';

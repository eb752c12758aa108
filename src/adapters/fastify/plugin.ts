import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { isSessionError, type SessionError } from '../../core/error.js';
import type { Call } from '../../core/session/call.js';
import type { Session } from '../../core/types.js';
import { isResponse, reportInternal } from '../../http/handle.js';
import { type Host, hostOf } from '../../http/host.js';
import { field } from '../../http/hosts.js';
import { concludeWithResponse, isFailure, markFailed } from '../../http/node-outcome.js';
import { openNode, openOnlyCall } from '../../http/node-request.js';
import type { OpenedRequest } from '../../http/request.js';
import type { Sessions } from '../../http/sessions.js';
import { privateSlot } from '../../http/slot.js';
import { answerRaw, errorPayload } from './errors.js';

// Typed as string, not as literals: an application declares the types of these properties itself.
const SESSION: string = 'session';
const SESSIONS: string = 'sessions';

/** The `createSessions` results that a scope has. The same key in all copies of the package. */
const INSTALLED: unique symbol = Symbol.for('token-sessions.fastify.installed');
/** The session and sessions that a request shows: those of the plugin that ran last. */
const SHOWN: unique symbol = Symbol.for('token-sessions.fastify.shown');

/** The state of a request, and what the request shows of it. */
class State {
  readonly opened: OpenedRequest;
  readonly call: Call;
  /** A library error whose answer is on the way. */
  error: SessionError | undefined;

  constructor(opened: OpenedRequest, call: Call) {
    this.opened = opened;
    this.call = call;
  }

  get session(): Session<unknown> | null {
    return this.call.shownSession;
  }

  get sessions(): object {
    return this.call.sessions;
  }
}

/**
 * A plugin for Fastify 5: `request.session` and `request.sessions`, for all routes that are
 * registered after it. Changes by the handlers are saved before the answer is sent, unless its
 * status is 500 or more. New tokens and cookies are on the answer. Fastify's own error handler
 * answers an error of the library as `application/problem+json`.
 *
 * tRPC and Yoga on the same server share the session, and its load. A scope inside may register
 * the plugin for another `createSessions`: its routes have those sessions.
 *
 * A WebSocket route has no answer, so nothing is saved for it: call `save()` or `update()`. A
 * login takes effect at once. `request.sessions.load()` looks the session up again.
 *
 * @example
 * declare module 'fastify' {
 *   interface FastifyRequest extends SessionContextOf<typeof sessions> {}
 * }
 * app.register(fastifySessions(sessions));
 * app.get('/me', (request) => requireSession(request).data);
 *
 * @throws `NOT_SUPPORTED` unless `sessions` is what a `createSessions` of this version returned
 */
export function fastifySessions<Data, Input>(sessions: Sessions<Data, Input>): FastifyPluginCallback {
  const host = hostOf(sessions);
  const plugin: FastifyPluginCallback = (fastify, _options, done) => {
    const installed = installedIn(fastify);
    // The application may register the plugin twice.
    if (installed.includes(host)) return done();
    Object.defineProperty(fastify, INSTALLED, { configurable: true, value: [...installed, host] });
    if (installed.length === 0) decorate(fastify);
    install(fastify, host);
    done();
  };
  // The same marks as `fastify-plugin` sets: they give the session to all routes of the parent
  // too.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'token-sessions',
    [Symbol.for('plugin-meta')]: { name: 'token-sessions', fastify: '5.x' },
  });
}

function installedIn(fastify: FastifyInstance): readonly unknown[] {
  const hosts = field(fastify, INSTALLED);
  return Array.isArray(hosts) ? hosts : [];
}

function decorate(fastify: FastifyInstance): void {
  for (const [name, anonymous] of [
    [SESSION, null],
    [SESSIONS, undefined],
  ] as const) {
    fastify.decorateRequest(name, {
      getter(this: FastifyRequest) {
        return field(field(this, SHOWN), name) ?? anonymous;
      },
    });
  }
}

function install(fastify: FastifyInstance, host: Host): void {
  const states = privateSlot<State>();

  fastify.addHook('onRequest', async (request, reply) => {
    const opened = openNode(host, request.raw, request, reply.raw);
    const state = new State(opened, openOnlyCall(opened));
    states.set(request, state);
    Object.defineProperty(request, SHOWN, { configurable: true, value: state });
    await state.call.admit();
    if (opened.isPersistent) return;
    concludeWithResponse(state.call, reply.raw, (error) => answerRaw(reply, error, state.call));
  });
  // The handler begins right after this hook, and nothing has run before it.
  fastify.addHook('preHandler', (request, _reply, done) => {
    const call = states.get(request)?.call;
    if (call) call.start(done);
    else done();
  });
  fastify.addHook('onError', async (request, _reply, error) => {
    const state = states.get(request);
    if (!state || !isSessionError(error)) return;
    state.error = error;
    markFailed(state.call);
    reportInternal(error, state.call);
  });
  fastify.addHook('onSend', async (request, reply, payload) => {
    const state = states.get(request);
    if (!state) return payload;
    await settle(state.call, statusOf(reply, payload));
    return state.error ? errorPayload(state.error, reply, payload, state.opened) : payload;
  });
}

/** Fastify takes the status of a Fetch response after this hook. */
function statusOf(reply: FastifyReply, payload: unknown): number {
  return isResponse(payload) ? payload.status : reply.statusCode;
}

/** Runs before the head leaves. Changes by a streamed body are saved when the body ends. */
async function settle(call: Call, status: number): Promise<void> {
  if (!call.isPending) return;
  if (isFailure(call, status)) await call.rollback();
  else await call.commit();
}

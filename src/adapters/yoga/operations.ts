import { LONGEST_HOLD } from '../../core/session/write-gate.js';
import { OPERATION, Operation, operationOf } from '../../graphql/call.js';
import { canDefer } from '../../graphql/fields.js';
import { NO_SHAPE, shapeOf } from '../../graphql/shape.js';
import { foreignRequest } from '../../http/foreign-request.js';
import type { Host } from '../../http/host.js';
import { field, isObject } from '../../http/hosts.js';
import type { OpenedRequest } from '../../http/request.js';
import { privateSlot } from '../../http/slot.js';
import type { ContextPayload, Message, StartPayload } from './hooks.js';
import { yogaRequest } from './request.js';

/** The facts that the plugin knows about a request. */
interface KnownRequest {
  /** Whether Yoga has parsed it and sends its response. */
  isParsed: boolean;
  isBatch: boolean;
  /** Set until its response is sent. */
  opened: OpenedRequest | undefined;
  /** Whether its answer must stay out of caches. */
  isSecret: boolean;
}

const UNSENT =
  'a new token or cookie is on no response: outside Yoga, send ctx.sessions.responseHeaders with the answer';

/** The operations that one plugin opens, and the requests that they belong to. */
export class Operations {
  readonly #host: Host;
  readonly #known = privateSlot<KnownRequest>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Notes that Yoga parses this request and sends its response. */
  parse(request: Message): KnownRequest {
    const known = this.#knownFor(request);
    known.isParsed = true;
    known.isBatch = false;
    return known;
  }

  /** The request whose response Yoga sends now. `undefined` if no operation has opened it. */
  take(request: Message): OpenedRequest | undefined {
    const known = this.#known.get(request);
    const opened = known?.opened;
    if (known) known.opened = undefined;
    return opened;
  }

  noteSecret(request: Message): void {
    this.#knownFor(request).isSecret = true;
  }

  isSecret(request: Message): boolean {
    return this.#known.get(request)?.isSecret === true;
  }

  open({ context, extendContext }: ContextPayload): Operation {
    const { opened, http } = this.#requestOf(context);
    const request = field(context, 'request');
    if (isObject(request)) this.#knownFor(request).opened = opened;
    if (!http && !opened.enclosing) opened.head.expectReader(() => this.#host.warnOnce(UNSENT));
    // An operation that a resolver runs on its own context belongs to the operation of that
    // resolver, which waits for it. So it must not wait for the batch. A sub-request that only
    // carries the context has credentials of its own.
    const around = operationOf(context);
    const outer = around?.opened === opened ? around : undefined;
    const holdMs = http?.isBatch && !outer ? LONGEST_HOLD : 0;
    const operation = new Operation({ opened, plugin: this, outer, exchange: http && opened, holdMs });
    extendContext({ sessions: operation.call.sessions, [OPERATION]: operation });
    return operation;
  }

  /** The operation of the context, if this plugin opened it. The plugin may be installed twice. */
  own(context: unknown): Operation | undefined {
    const operation = operationOf(context);
    return operation?.plugin === this ? operation : undefined;
  }

  /** Whether another instance of the plugin has opened this request. */
  isTaken(context: unknown): boolean {
    const operation = operationOf(context);
    return (
      operation !== undefined && operation.plugin !== this && operation.opened === this.#requestOf(context).opened
    );
  }

  /** The operation, loaded. Opens it if the context was built without this plugin's hooks. */
  async ready(payload: ContextPayload): Promise<Operation | undefined> {
    if (this.isTaken(payload.context)) return undefined;
    const operation = this.own(payload.context) ?? this.open(payload);
    const isFirst = !operation.hasBegun;
    const session = await operation.begin();
    if (isFirst) payload.extendContext({ session });
    return operation;
  }

  /** The operation to execute. `undefined` if the context belongs to one that already runs. */
  async start(payload: StartPayload): Promise<Operation | undefined> {
    if (this.own(payload.context)?.isExecuting) return undefined;
    const operation = await this.ready(payload);
    if (!operation || refuse(operation, payload)) return undefined;
    const { document, operationName, schema, fieldResolver } = payload.args ?? {};
    const shape = document && schema ? shapeOf(document, operationName, canDefer(schema)) : NO_SHAPE;
    operation.execute(shape, fieldResolver ?? undefined);
    return operation;
  }

  #knownFor(request: object): KnownRequest {
    const known = this.#known.get(request);
    if (known) return known;
    const added = { isParsed: false, isBatch: false, opened: undefined, isSecret: false };
    this.#known.set(request, added);
    return added;
  }

  #requestOf(context: unknown): { readonly opened: OpenedRequest; readonly http: KnownRequest | undefined } {
    const request = field(context, 'request');
    const known = isObject(request) ? this.#known.get(request) : undefined;
    const http = known?.isParsed ? known : undefined;
    const from = http && isObject(request) ? yogaRequest(request) : foreignRequest(context);
    return { opened: this.#host.open(from), http };
  }
}

function refuse(operation: Operation, { setResultAndStopExecution }: StartPayload): boolean {
  const { refusal } = operation;
  if (!refusal) return false;
  operation.end();
  setResultAndStopExecution(refusal);
  return true;
}

import {
  actorOf,
  type Field,
  fieldOf,
  type Handler,
  nestedOf,
  type Operation,
  type Plan,
  type Procedure,
  type Program,
} from '../program.js';
import { Stage } from './stage.js';

/** The calls of a program by their names, and the stage on which they run. */
export class Round {
  readonly stage = new Stage();
  readonly procedures = new Map<string, Procedure>();
  readonly operations = new Map<string, Operation>();
  readonly fields = new Map<string, Field>();
  readonly handlers = new Map<string, Handler>();
  readonly #users: string;

  /** @param users what the names of its users begin with */
  constructor(program: Program, users: string) {
    this.#users = users;
    for (const [index, request] of program.requests.entries()) {
      if (request.kind === 'express') this.handlers.set(actorOf(index, 'x'), request.handler);
      else if (request.front) this.handlers.set(actorOf(index, 'x'), request.front);
      if (request.kind === 'trpc') {
        for (const [call, procedure] of request.calls.entries())
          this.#addProcedure(actorOf(index, 'c', call), procedure);
      }
      if (request.kind === 'yoga') {
        for (const [call, operation] of request.operations.entries())
          this.#addOperation(actorOf(index, 'o', call), operation);
      }
    }
  }

  userName = (user: number): string => `${this.#users}${user}`;

  #addProcedure(who: string, procedure: Procedure): void {
    this.procedures.set(who, procedure);
    for (const name of ['before', 'middle', 'body', 'late', 'after'] as const)
      this.#addNested(who, name, procedure[name]);
  }

  #addNested(who: string, name: string, plan: Plan): void {
    for (const [index, step] of plan.entries()) {
      if (step.do !== 'nested') continue;
      for (const [call, procedure] of step.calls.entries())
        this.#addProcedure(nestedOf(who, `${name}${index}`, call), procedure);
    }
  }

  #addOperation(who: string, operation: Operation): void {
    this.operations.set(who, operation);
    for (const [index, field] of operation.fields.entries()) this.fields.set(fieldOf(who, index), field);
  }
}

/** The value that was registered under this name. */
export function named<Value>(values: ReadonlyMap<string, Value>, who: string): Value {
  const value = values.get(who);
  if (value === undefined) throw new Error(`the program has no ${who}`);
  return value;
}

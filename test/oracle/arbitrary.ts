import fc, { type Arbitrary } from 'fast-check';
import type {
  Credential,
  Field,
  Guard,
  Handler,
  Operation,
  PlainStep,
  Plan,
  Procedure,
  Program,
  Request,
  Step,
} from './program.js';

/*
 * Random programs. They do unlikely things often, except where the model cannot say what must
 * happen:
 *
 * - A query has one root field if it logs in or if a field of it must not be null: its fields run
 *   beside each other, and then it is not known which of them failed first.
 * - Nothing logs in before a stream behind Express, whose head leaves in between.
 * - Only a guard waits for a login that the code itself does not wait for.
 */

const users = fc.integer({ min: 0, max: 2 });
const creating = fc.record({ do: fc.constant('create' as const), user: users });
const creatingTwice = fc.record({ do: fc.constant('createTwice' as const), user: users });
const creatingLate = fc.record({ do: fc.constant('createLate' as const), user: users });

function plain(...names: readonly PlainStep[]): Arbitrary<Step> {
  return fc.constantFrom(...names.map((name) => ({ do: name })));
}

const looking = plain('see', 'see', 'see', 'load', 'reload', 'require', 'fresh');
const writing = plain('change', 'change', 'change', 'append', 'save', 'update', 'share');
const ending = plain('destroy', 'destroy', 'destroy', 'rotate', 'destroyOthers');

const withoutLogin: Arbitrary<Step> = fc.oneof(
  { arbitrary: looking, weight: 4 },
  { arbitrary: writing, weight: 5 },
  { arbitrary: ending, weight: 2 },
);
const anyStep: Arbitrary<Step> = fc.oneof(
  { arbitrary: withoutLogin, weight: 9 },
  { arbitrary: creating, weight: 3 },
  { arbitrary: creatingTwice, weight: 1 },
);
function plan(step: Arbitrary<Step>, maxLength: number): Arbitrary<Plan> {
  return fc.array(step, { maxLength });
}

/** Code outside a guard mostly begins by loading the session. */
function openPlan(step: Arbitrary<Step>, maxLength: number): Arbitrary<Plan> {
  const loading = plan(step, maxLength).map((steps): Plan => [{ do: 'load' }, ...steps]);
  return fc.oneof({ arbitrary: loading, weight: 2 }, { arbitrary: plan(step, maxLength), weight: 1 });
}

function nesting(depth: number): Arbitrary<Step> {
  return fc.record({
    do: fc.constant('nested' as const),
    calls: fc.array(procedure(depth - 1), { minLength: 1, maxLength: 2 }),
  });
}

const guards: Arbitrary<Guard> = fc.constantFrom('none', 'with', 'require', 'require', 'fresh');
const seldom = fc.nat({ max: 5 }).map((chance) => chance === 5);
const rarely = <Value>(usual: Value, ...others: Value[]): Arbitrary<Value> =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 4 }, { arbitrary: fc.constantFrom(...others), weight: 1 });

/** A procedure with one guard, as most are. */
const usual: Arbitrary<Procedure> = fc.record({
  first: fc.constantFrom<Guard[]>('with', 'require'),
  second: fc.constant('none' as const),
  before: fc.constant([]),
  middle: fc.constant([]),
  body: fc.array(anyStep, { minLength: 1, maxLength: 3 }),
  late: fc.constant([]),
  after: fc.constant([]),
  end: rarely<Procedure['end']>('ok', 'throw', 'output'),
  failing: fc.constant('never' as const),
  again: fc.constant('never' as const),
  careful: fc.boolean(),
});

function procedure(depth: number): Arbitrary<Procedure> {
  const step =
    depth > 0 ? fc.oneof({ arbitrary: anyStep, weight: 5 }, { arbitrary: nesting(depth), weight: 1 }) : anyStep;
  const body = fc.oneof(
    { arbitrary: plan(step, 4), weight: 6 },
    { arbitrary: openPlan(step, 3), weight: 2 },
    { arbitrary: fc.tuple(plan(step, 2), creatingLate).map(([steps, last]) => [...steps, last]), weight: 1 },
  );
  const full = fc.record<Procedure>({
    first: guards,
    second: rarely<Guard>('none', 'with', 'require', 'fresh'),
    before: mostlyNothing(openPlan(step, 2)),
    middle: mostlyNothing(plan(step, 2)),
    body,
    late: mostlyNothing(plan(step, 2)),
    after: mostlyNothing(openPlan(step, 1)),
    end: rarely<Procedure['end']>('ok', 'throw', 'output'),
    failing: rarely<Procedure['failing']>('never', 'late', 'after'),
    again: fc.oneof(
      { arbitrary: fc.constant('never' as const), weight: 9 },
      { arbitrary: fc.constantFrom('first' as const, 'second' as const), weight: 1 },
    ),
    careful: fc.boolean(),
  });
  const any = fc.oneof({ arbitrary: usual, weight: 1 }, { arbitrary: full, weight: 1 });
  return any.map((made) =>
    made.first === 'none' && made.second === 'none' ? { ...made, body: made.body.filter(isWaitedFor) } : made,
  );
}

function isWaitedFor(step: Step): boolean {
  return step.do !== 'createLate';
}

function mostlyNothing(plans: Arbitrary<Plan>): Arbitrary<Plan> {
  return fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, { arbitrary: plans, weight: 1 });
}

function field(step: Arbitrary<Step>, ...ends: Field['end'][]): Arbitrary<Field> {
  return fc.record({
    body: fc.array(step, { minLength: 1, maxLength: 3 }),
    end: fc.oneof(
      { arbitrary: fc.constant('ok' as const), weight: 1 },
      { arbitrary: fc.constantFrom(...ends), weight: 1 },
    ),
    careful: fc.boolean(),
    inFragment: seldom,
  });
}

const anyEnd: readonly Field['end'][] = ['null', 'throw', 'throw', 'throw', 'strict', 'strictThrow', 'below', 'soft'];

function operation(): Arbitrary<Operation> {
  const rest = {
    typename: rarely<Operation['typename']>('no', 'plain', 'alias'),
    context: mostlyNothing(openPlan(anyStep, 1)),
  };
  const mutation = fc.record({
    type: fc.constant('mutation' as const),
    fields: fc.array(field(anyStep, ...anyEnd), { minLength: 1, maxLength: 3 }),
    ...rest,
  });
  const query = fc.record({
    type: fc.constant('query' as const),
    fields: fc.oneof(
      fc.array(field(withoutLogin, 'null', 'throw', 'below', 'soft'), { minLength: 1, maxLength: 3 }),
      fc.tuple(field(anyStep, ...anyEnd)),
    ),
    ...rest,
  });
  return fc.oneof({ arbitrary: mutation, weight: 3 }, { arbitrary: query, weight: 1 });
}

function handler(step: Arbitrary<Step>, isLast: boolean): Arbitrary<Handler> {
  const body = plan(step, isLast ? 4 : 2);
  return fc.record({
    body: isLast ? fc.oneof({ arbitrary: body, weight: 6 }, { arbitrary: fc.tuple(creatingLate), weight: 1 }) : body,
    end: isLast
      ? fc.constantFrom<Handler['end'][]>('ok', 'ok', 'created', 'refused', 'unavailable', 'throw')
      : rarely<Handler['end']>('ok', 'ok', 'ok', 'refused', 'throw'),
    careful: fc.boolean(),
    guarded: seldom,
  });
}

function front(step: Arbitrary<Step>): Arbitrary<Handler | null> {
  return fc.oneof({ arbitrary: fc.constant(null), weight: 3 }, { arbitrary: handler(step, false), weight: 1 });
}

function several<Value>(each: Arbitrary<Value>, most: number): Arbitrary<Value[]> {
  return fc.array(each, { minLength: 1, maxLength: most });
}

function request(world: Program['world']): Arbitrary<Request> {
  const by =
    world === 'cookie'
      ? fc.constantFrom<Credential['by'][]>('cookie', 'cookie', 'bearer')
      : fc.constant('bearer' as const);
  const known = fc.record({
    session: fc.oneof({ arbitrary: fc.constant(0), weight: 2 }, { arbitrary: fc.constant(1), weight: 1 }),
    by,
  });
  const credential = fc.oneof({ arbitrary: known, weight: 4 }, { arbitrary: fc.constant(null), weight: 1 });
  const call = procedure(2);
  const trpc = { kind: fc.constant('trpc' as const), credential };
  const yoga = { kind: fc.constant('yoga' as const), credential };
  const link = <Name extends string>(name: Name) => fc.constant(name);
  const none = fc.constant(null);
  return fc.oneof(
    {
      arbitrary: fc.record({ ...trpc, link: link('single'), calls: fc.tuple(call), front: front(anyStep) }),
      weight: 1,
    },
    {
      arbitrary: fc.record({ ...trpc, link: link('batch'), calls: several(call, 3), front: front(anyStep) }),
      weight: 4,
    },
    {
      arbitrary: fc.record({ ...trpc, link: link('stream'), calls: several(call, 3), front: front(withoutLogin) }),
      weight: 2,
    },
    { arbitrary: fc.record({ ...trpc, link: link('socket'), calls: several(call, 3), front: none }), weight: 3 },
    {
      arbitrary: fc.record({
        ...yoga,
        link: link('single'),
        operations: fc.tuple(operation()),
        front: front(anyStep),
      }),
      weight: 3,
    },
    {
      arbitrary: fc.record({
        ...yoga,
        link: link('batch'),
        operations: several(operation(), 3),
        front: front(anyStep),
      }),
      weight: 3,
    },
    {
      arbitrary: fc.record({ ...yoga, link: link('socket'), operations: several(operation(), 3), front: none }),
      weight: 2,
    },
    {
      arbitrary: fc.record({ kind: fc.constant('express' as const), credential, handler: handler(anyStep, true) }),
      weight: 2,
    },
  );
}

export const programs: Arbitrary<Program> = fc.constantFrom<Program['world'][]>('bearer', 'cookie').chain((world) =>
  fc.record({
    world: fc.constant(world),
    requests: fc.oneof(
      { arbitrary: several(request(world), 1), weight: 3 },
      { arbitrary: several(request(world), 2), weight: 2 },
    ),
    turns: fc.array(fc.nat({ max: 59 }), { minLength: 1, maxLength: 30 }),
  }),
);

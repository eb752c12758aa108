import { type BrokenStore, breaking, tick } from './breaking.js';

/** Planted bugs in `touch`, in `trimOwner` and limits, in adopted owners and in steps. */
export const BROKEN_OWNERS: readonly BrokenStore[] = [
  {
    bug: 'a touch that ignores the version',
    create: breaking((store) => ({
      async touch(record, _expectedVersion, ttl) {
        const known = await store.find(record.id);
        return known ? store.touch(record, known.version, ttl) : 'gone';
      },
    })),
    fails: [
      'touch > invariant 3: touch with a version other than the stored one writes nothing',
      'touch > invariant 3: exactly one of a touch and a replace with one expected version succeeds',
    ],
  },
  {
    bug: 'a touch that inserts',
    create: breaking((store) => ({
      async touch(record, expectedVersion, ttl) {
        const answer = await store.touch(record, expectedVersion, ttl);
        if (answer === 'gone') await store.insert({ ...record, body: '' }, ttl);
        return answer === 'gone' ? 'replaced' : answer;
      },
    })),
    fails: [
      'touch > invariant 2: touch of a missing record writes nothing',
      'touch > invariant 2: a touch that races a delete',
    ],
  },
  {
    bug: 'a touch that keeps the old version',
    create: breaking((store) => ({
      touch: (record, expectedVersion, ttl) =>
        store.touch({ ...record, version: expectedVersion }, expectedVersion, ttl),
    })),
    fails: ['touch > rule 28: touch moves the version and the deadline, and nothing else'],
  },
  {
    bug: 'a touch that cuts the body where a field grows',
    create: breaking((store) => ({
      async touch(record, expectedVersion, ttl) {
        const known = await store.find(record.id);
        if (!known || record.version.length <= known.version.length) return store.touch(record, expectedVersion, ttl);
        return store.replace({ ...known, ...record, body: known.body.slice(1) }, expectedVersion, ttl);
      },
    })),
    fails: ['touch > rule 28: touch moves the version and the deadline, and nothing else'],
  },
  {
    bug: 'a touch that keeps the old ttl',
    create: breaking((store, now) => {
      const ends = new Map<string, number>();
      return {
        insert(record, ttl) {
          ends.set(record.id, now() + ttl);
          return store.insert(record, ttl);
        },
        touch: (record, version, ttl) => store.touch(record, version, (ends.get(record.id) ?? now() + ttl) - now()),
      };
    }),
    fails: ['touch > the ttl of a touch replaces the old one, whether longer or shorter'],
  },
  {
    bug: 'a touch that the list of the owner does not see',
    create: breaking((store) => ({
      listByOwner: async (ownerId) => (await store.listByOwner(ownerId)).map((each) => ({ ...each, version: 'old' })),
    })),
    fails: ['touch > listByOwner returns a record as last touched'],
  },
  {
    bug: 'a limit that counts the session that is replaced',
    create: breaking((store) => ({
      insertWithin: (record, ttl, { replaces: _, ...limit }) => store.insertWithin(record, ttl, limit),
    })),
    fails: ['insertWithin > the session that a login replaces neither counts nor is evicted'],
  },
  {
    bug: 'a limit that makes room although what is replaced is not there',
    create: breaking((store) => ({
      insertWithin: (record, ttl, limit) =>
        store.insertWithin(record, ttl, limit.replaces ? { ...limit, max: limit.max + 1 } : limit),
    })),
    fails: ['insertWithin > the session that a login replaces neither counts nor is evicted'],
  },
  {
    bug: 'a trim that may end the new session',
    create: breaking((store) => ({ trimOwner: (ownerId, trim) => store.trimOwner(ownerId, { ...trim, keep: '' }) })),
    fails: ['trimOwner > trimOwner never ends the session to keep, however old it is, but counts it'],
  },
  {
    bug: 'a trim that counts the new session whether it is there or not',
    create: breaking((store) => ({
      async trimOwner(ownerId, trim) {
        const ended = await store.trimOwner(ownerId, trim);
        if (await store.find(trim.keep)) return ended;
        return [...ended, ...(await store.trimOwner(ownerId, { ...trim, max: trim.max - 1 }))];
      },
    })),
    fails: [
      'trimOwner > trimOwner does not count a session to keep that has ended',
      'trimOwner > parallel logins with a limit of one leave one session',
    ],
  },
  {
    bug: 'a trim that ends what the caller replaces',
    create: breaking((store) => ({ trimOwner: (ownerId, { ignore: _, ...trim }) => store.trimOwner(ownerId, trim) })),
    fails: ['trimOwner > trimOwner neither counts nor ends the session that the caller replaces'],
  },
  {
    bug: 'a trim that counts what has expired',
    create: breaking((store) => ({ trimOwner: (ownerId, trim) => store.trimOwner(ownerId, { ...trim, now: 0 }) })),
    fails: ['trimOwner > trimOwner does not count sessions past their deadline, but counts those whose deadline has'],
  },
  {
    bug: 'a trim by the id alone',
    create: breaking((store) => ({
      insert: (record, ttl) => store.insert({ ...record, createdAt: 1 }, ttl),
    })),
    fails: [
      'trimOwner > trimOwner ends the sessions with the earliest creation and then the lowest id',
      'steps > rule 28: trimOwner ends many sessions in bounded steps, and leaves the newest',
    ],
  },
  {
    bug: 'a trim that races: it looks first and ends later',
    create: breaking((store) => ({
      async trimOwner(ownerId, { max, keep, now }) {
        const live = (await store.listByOwner(ownerId)).filter(({ expiresAt }) => expiresAt > now);
        const others = live
          .filter(({ id }) => id !== keep)
          .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
        await tick();
        const excess = others.slice(0, Math.max(0, live.length - max));
        const ended = await Promise.all(excess.map(async ({ id }) => ((await store.delete(id)) ? [id] : [])));
        return ended.flat();
      },
    })),
    fails: ['trimOwner > parallel logins with a limit of one leave one session'],
  },
  {
    bug: 'a trim that answers what others have ended',
    create: breaking((store) => {
      const ended: string[] = [];
      return {
        async trimOwner(ownerId, trim) {
          ended.push(...(await store.trimOwner(ownerId, trim)));
          return ended;
        },
      };
    }),
    fails: ['trimOwner > parallel logins leave exactly the limit, and report each end once'],
  },
  {
    bug: 'a replace that keeps the owner out',
    create: breaking((store) => ({
      async replace(record, expectedVersion, ttl) {
        const known = await store.find(record.id);
        if (known && known.ownerId === undefined) {
          const { ownerId: _, ...ownerless } = record;
          return store.replace(ownerless, expectedVersion, ttl);
        }
        return store.replace(record, expectedVersion, ttl);
      },
    })),
    fails: ['adopted owners > rule 27: a replace permanently gives an owner to a session that had none'],
  },
  {
    bug: 'an index of owners that only inserts fill',
    create: breaking((store) => {
      const inserted = new Set<string>();
      const known = (ids: readonly string[]) => ids.filter((id) => inserted.has(id));
      return {
        insert(record, ttl) {
          if (record.ownerId !== undefined) inserted.add(record.id);
          return store.insert(record, ttl);
        },
        listByOwner: async (ownerId) => (await store.listByOwner(ownerId)).filter(({ id }) => inserted.has(id)),
        async deleteByOwner(ownerId, except) {
          const ids = known((await store.listByOwner(ownerId)).map(({ id }) => id)).filter((id) => id !== except);
          for (const id of ids) await store.delete(id);
          return ids;
        },
        trimOwner: async (ownerId, trim) => known(await store.trimOwner(ownerId, trim)),
      };
    }),
    fails: [
      'adopted owners > rule 27: listByOwner includes a session that got its owner later',
      'adopted owners > rule 27: deleteByOwner ends a session',
      'adopted owners > rule 27: trimOwner counts a session',
    ],
  },
  {
    bug: 'steps that it does not declare',
    create: breaking(() => ({})),
    capabilities: { inSteps: false },
    fails: ['the store has exactly the capabilities that it declares'],
  },
  {
    bug: 'steps that lack a verb',
    create: breaking((store) => {
      const steps = { ...store.steps };
      Reflect.deleteProperty(steps, 'count');
      return { steps };
    }),
    fails: [
      'steps > steps has exactly those of its verbs that the store has',
      'steps > count is the sum of its steps',
    ],
  },
  {
    bug: 'steps that do all in one',
    create: breaking((store) => ({
      steps: {
        ...store.steps,
        async *deleteByOwner(ownerId, except) {
          yield await store.deleteByOwner(ownerId, except);
        },
        async *listByOwner(ownerId) {
          yield await store.listByOwner(ownerId);
        },
        async *trimOwner(ownerId, trim) {
          yield await store.trimOwner(ownerId, trim);
        },
        async *sweep(now) {
          yield await store.sweep(now);
        },
      },
    })),
    fails: [
      'steps > rule 28: listByOwner goes through',
      'steps > rule 28: deleteByOwner ends',
      'steps > rule 28: trimOwner ends many sessions in bounded steps, and leaves the newest',
      'steps > rule 28: sweep removes',
    ],
  },
  {
    bug: 'steps that begin before the caller asks, and continue after it stops asking',
    create: breaking((store) => ({
      steps: {
        ...store.steps,
        async *deleteByOwner(ownerId, except) {
          const ids = await store.deleteByOwner(ownerId, except);
          while (ids.length > 0) yield ids.splice(0, 500);
        },
      },
    })),
    fails: ['steps > deleteByOwner leaves the remaining sessions if the caller stops after a step'],
  },
  {
    bug: 'steps that lose their place: each skips what moved up',
    create: breaking((store) => ({
      steps: {
        ...store.steps,
        async *deleteByOwner(ownerId) {
          for (let from = 0; ; from += 500) {
            const some = (await store.listByOwner(ownerId)).slice(from, from + 500);
            if (some.length === 0) return;
            for (const { id } of some) await store.delete(id);
            yield some.map(({ id }) => id);
          }
        },
        async *count() {
          yield 500;
        },
        async *clear() {
          yield (await store.deleteByOwner('eve')).length;
        },
      },
    })),
    fails: [
      "steps > rule 28: deleteByOwner ends an owner's sessions",
      'steps > rule 28: deleteByOwner in steps ends a racing session, or the insert was answered after it',
      'steps > count is the sum of its steps',
      'steps > clear removes every record in steps',
    ],
  },
  {
    bug: 'a list that returns only the first page',
    create: breaking((store) => ({
      listByOwner: async (ownerId) => (await store.listByOwner(ownerId)).slice(0, 1_000),
    })),
    fails: ["listByOwner returns each of an owner's many sessions"],
  },
  {
    bug: 'a deleteByOwner that removes only the first page',
    create: breaking((store) => ({
      async deleteByOwner(ownerId, except) {
        const records = await store.listByOwner(ownerId);
        const page = records.filter(({ id }) => id !== except).slice(0, 1_000);
        for (const { id } of page) await store.delete(id);
        return page.map(({ id }) => id);
      },
    })),
    fails: ["deleteByOwner removes each of an owner's many sessions"],
  },
];

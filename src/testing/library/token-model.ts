const MINUTE = 60_000;

/** How a token relates to its session. */
export type ModelMatch = 'current' | 'pending' | 'grace' | 'replaced-recently' | 'reused' | 'unknown';

/** The options of a rotation. */
export interface ModelRotation {
  readonly immediate?: boolean | undefined;
  readonly reauthenticated?: boolean | undefined;
}

/** The tokens of a call, and whether it was admitted only by a replaced token in its grace. */
export interface ModelCall {
  readonly tokens: number[];
  readonly replaced: boolean;
}

/** Everything that ever happened to a token. */
interface Fact {
  readonly family: number;
  readonly kind: 'plain' | 'reauthenticated';
  /** The token from which it can be derived. */
  readonly parent: number | undefined;
  madeAt: number;
  authenticatedAt: number;
  place: 'pending' | 'current' | 'previous' | 'ended';
  /** When its grace ends, or would end. */
  until: number | undefined;
}

/**
 * The rules of rotation, over everything that ever happened to the tokens of one session: without
 * hashes or a record, and with nothing forgotten. Tokens are numbers, and the first is 0. Times
 * are in ms.
 */
export class TokenModel {
  readonly facts: Fact[] = [];
  readonly #grace: number;
  #family = 0;
  #families = 1;

  constructor(grace: number, now: number) {
    this.#grace = grace;
    this.facts.push({
      family: 0,
      kind: 'plain',
      parent: undefined,
      madeAt: now,
      authenticatedAt: now,
      place: 'current',
      until: undefined,
    });
  }

  /** An independent model with the same past. */
  copy(): TokenModel {
    const copy = new TokenModel(this.#grace, 0);
    copy.facts.splice(0, 1, ...this.facts.map((fact) => ({ ...fact })));
    copy.#family = this.#family;
    copy.#families = this.#families;
    return copy;
  }

  /** Determines everything that follows: models with the same key give the same results. */
  get key(): string {
    return JSON.stringify([this.#family, this.facts]);
  }

  /**
   * How a token relates to the session. There are two valid results when too many tokens have
   * ended in a short time for the record.
   */
  matches(index: number, now: number): readonly ModelMatch[] {
    const fact = this.#fact(index);
    if (fact.place === 'current' || fact.place === 'pending') return [fact.place];
    const until = fact.until ?? 0;
    if (fact.place === 'previous' && now < until) return ['grace'];
    if (now < until + MINUTE) return ['replaced-recently'];
    if (fact.family !== this.#family && fact.place !== 'previous') return ['unknown'];
    const recent = this.facts.filter((each) => each.until !== undefined && now < each.until + MINUTE);
    return recent.length > 6 ? ['reused', 'replaced-recently'] : ['reused'];
  }

  /**
   * A rotation by a call, or by the server itself (`null`). Returns `undefined` if it is refused.
   * Otherwise returns the token that the caller gets. A new token has the next number.
   */
  rotate(call: ModelCall | null, request: ModelRotation, now: number): number | undefined {
    if (call?.replaced) return undefined;
    const kind = request.reauthenticated ? 'reauthenticated' : 'plain';
    const current = this.#at('current');
    const holdsCurrent = call === null || call.tokens.includes(current);
    if (request.immediate)
      return holdsCurrent ? this.#endAll(call ? this.#fact(current).family : undefined, kind, now) : undefined;
    return holdsCurrent ? this.#offer(call ? current : undefined, kind, now) : this.#repeat(call.tokens, kind, now);
  }

  /** The first use of the pending token. */
  use(index: number, now: number): void {
    const previous = this.#find('previous');
    if (previous !== undefined) this.#fact(previous).place = 'ended';
    const current = this.#fact(this.#at('current'));
    current.place = 'previous';
    current.until = now + this.#grace;
    const next = this.#fact(index);
    next.place = 'current';
    this.#family = next.family;
  }

  authenticatedAt(index: number): number {
    return this.#fact(index).authenticatedAt;
  }

  #offer(by: number | undefined, kind: Fact['kind'], now: number): number | undefined {
    const waiting = this.#find('pending');
    if (waiting !== undefined) {
      const pending = this.#fact(waiting);
      const isMine = by !== undefined && pending.parent === by;
      if (isMine && pending.kind === kind) return this.#again(waiting, now);
      const canBeFetched = pending.parent !== undefined && (by === undefined || isMine);
      if ((canBeFetched && pending.kind === 'plain') || now - pending.madeAt < MINUTE) return undefined;
      pending.place = 'ended';
      pending.until = now + this.#grace;
    }
    const authenticatedAt = kind === 'plain' ? this.authenticatedAt(this.#at('current')) : now;
    const family = by === undefined ? this.#newFamily() : this.#fact(by).family;
    return this.#add({ family, kind, parent: by, madeAt: now, authenticatedAt, place: 'pending', until: undefined });
  }

  #again(index: number, now: number): number {
    const fact = this.#fact(index);
    if (fact.kind === 'reauthenticated') {
      fact.authenticatedAt = now;
      fact.madeAt = fact.place === 'pending' ? now : fact.madeAt;
    }
    return index;
  }

  #repeat(tokens: readonly number[], kind: Fact['kind'], now: number): number | undefined {
    const current = this.#at('current');
    const { parent, kind: made } = this.#fact(current);
    if (parent === undefined || !tokens.includes(parent) || made !== kind || this.#find('pending') !== undefined)
      return undefined;
    const old = this.#fact(parent);
    return old.place === 'previous' && now < (old.until ?? 0) ? this.#again(current, now) : undefined;
  }

  #endAll(family: number | undefined, kind: Fact['kind'], now: number): number {
    const authenticatedAt = kind === 'plain' ? this.authenticatedAt(this.#at('current')) : now;
    for (const fact of this.facts) {
      if (fact.place !== 'ended') fact.until ??= now + this.#grace;
      fact.place = 'ended';
    }
    this.#family = family ?? this.#newFamily();
    return this.#add({
      family: this.#family,
      kind,
      parent: undefined,
      madeAt: now,
      authenticatedAt,
      place: 'current',
      until: undefined,
    });
  }

  #newFamily(): number {
    this.#families += 1;
    return this.#families - 1;
  }

  #add(fact: Fact): number {
    return this.facts.push(fact) - 1;
  }

  #at(place: Fact['place']): number {
    const index = this.#find(place);
    if (index === undefined) throw new Error(`no token is ${place}`);
    return index;
  }

  #find(place: Fact['place']): number | undefined {
    const index = this.facts.findIndex((each) => each.place === place);
    return index === -1 ? undefined : index;
  }

  #fact(index: number): Fact {
    const fact = this.facts[index];
    if (!fact) throw new Error(`no token ${index}`);
    return fact;
  }
}

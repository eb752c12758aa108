/** A search of the model: the definitions, and the expected result. */
export interface Variant {
  readonly about: string;
  readonly flags: readonly string[];
  /**
   * `'holds'`: every property holds in every state. `'fails'`: one property fails, because of the
   * planted bug or a known limit.
   */
  readonly expect: 'holds' | 'fails';
  /** Whether it runs only with MODEL=full, because it takes minutes. */
  readonly full?: boolean;
}

/** Ticks of 30 s instead of 15 s: fewer states. */
const COARSE = ['-DMINUTE=2', '-DGRACE=1'];
const THIEF = ['-DTHIEF', '-DREAUTH', ...COARSE];

function holds(about: string, flags: readonly string[], full = false): Variant {
  return { about, flags, expect: 'holds', full };
}

function fails(about: string, flags: readonly string[]): Variant {
  return { about, flags, expect: 'fails' };
}

export const VARIANTS: readonly Variant[] = [
  holds('shared storage, plain and reauthenticated', ['-DREAUTH', '-DSKEW=0']),
  holds('… a server 30 s ahead', ['-DREAUTH', ...COARSE, '-DSKEW=1']),
  holds('… a server 30 s behind', ['-DREAUTH', ...COARSE, '-DSKEW=-1']),
  holds('… a server 45 s ahead, in ticks of 15 s', ['-DREAUTH', '-DSKEW=3'], true),
  holds('… a server 45 s behind, in ticks of 15 s', ['-DREAUTH', '-DSKEW=-3'], true),
  holds('… five tokens that matter at a time', ['-DREAUTH', '-DSKEW=0', '-DTOKENS=5'], true),
  holds('cookies, rotateEvery', ['-DCOOKIE', '-DSKEW=0']),
  holds('… a server 45 s ahead', ['-DCOOKIE', '-DSKEW=3']),
  holds('… a server 45 s behind', ['-DCOOKIE', '-DSKEW=-3']),
  holds('cookies, any rotation, no answer overtakes another', [
    '-DCOOKIE',
    '-DREAUTH',
    '-DHASTY',
    '-DORDERED',
    '-DSKEW=0',
  ]),
  holds('… a server 30 s ahead', ['-DCOOKIE', '-DREAUTH', '-DHASTY', '-DORDERED', '-DSKEW=2'], true),
  holds('a thief, and immediate', [...THIEF, '-DTABS=1', '-DSKEW=0']),
  holds('… a server 30 s ahead, three tokens', [...THIEF, '-DTABS=1', '-DTOKENS=3', '-DSKEW=1']),
  holds('… a server 30 s behind, three tokens', [...THIEF, '-DTABS=1', '-DTOKENS=3', '-DSKEW=-1']),
  holds('… a server 30 s ahead', [...THIEF, '-DTABS=1', '-DSKEW=1'], true),
  holds('… a server 30 s behind', [...THIEF, '-DTABS=1', '-DSKEW=-1'], true),
  holds('… two tabs', [...THIEF, '-DTABS=2', '-DTOKENS=3', '-DSKEW=0'], true),
  holds('… two tabs, a server 30 s ahead', [...THIEF, '-DTABS=2', '-DTOKENS=3', '-DSKEW=1'], true),

  fails('known: cookies, a plain answer overtakes a reauthenticated one', ['-DCOOKIE', '-DREAUTH', '-DSKEW=0']),
  fails('known: cookies, the application rotates twice at once', ['-DCOOKIE', '-DHASTY', '-DSKEW=0']),

  fails('bug: each rotation replaces the pending token', ['-DREAUTH', '-DBUG=1']),
  fails('bug: a plain call gets a reauthenticated token that is pending', [
    ...THIEF,
    '-DTABS=1',
    '-DSKEW=0',
    '-DBUG=2',
  ]),
  fails('bug: a rotation of the other kind replaces the pending token', ['-DREAUTH', '-DBUG=3']),
  fails('bug: a replaced token rotates', ['-DREAUTH', '-DBUG=4']),
  fails('bug: no minute for clocks that differ', ['-DREAUTH', '-DBUG=5']),
  fails('bug: a replaced token has the freshness of its successor', [...THIEF, '-DTABS=1', '-DSKEW=0', '-DBUG=6']),
  fails('bug: immediate ends a token by the clock', [...THIEF, '-DTABS=1', '-DSKEW=-1', '-DBUG=7']),
  fails('bug: a late plain call gets a reauthenticated successor', [...THIEF, '-DTABS=1', '-DSKEW=0', '-DBUG=8']),
];

/** The definitions of the random runs for the traces. */
export const TRACED: readonly (readonly string[])[] = [
  ['-DREAUTH', '-DSKEW=2'],
  ['-DREAUTH', '-DSKEW=-3'],
  ['-DCOOKIE', '-DSKEW=0'],
  ['-DTHIEF', '-DREAUTH', '-DTABS=1', '-DSKEW=0'],
  ['-DTHIEF', '-DREAUTH', '-DTABS=2', '-DSKEW=3'],
];

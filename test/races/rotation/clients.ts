import { createSessions, isSessionError, type SessionStore, type Sessions } from '../../../src/index.js';

/** How the clocks of the two servers differ, in ms: more than the grace. */
const SKEW = 11_000;
const GRACE = 10_000;

export interface Findings {
  /** Rotations that were answered, whether or not the answer arrived. */
  rotations: number;
  /** Of these, answers that were lost on the way to the client. */
  dropped: number;
  /** `TOKEN_REPLACED`: the client had a newer token by then. */
  replaced: number;
  /** Different tokens. */
  tokens: number;
  /** Forbidden outcomes: the clients' newest token was refused, or something failed. */
  wrong: string[];
}

interface Storage {
  token: string;
}

/**
 * Clients that share a session and a storage for its token, as tabs do. They rotate all at once on
 * two servers, and some answers are lost. A client takes a new token only if the storage still
 * holds the one that it has sent.
 */
export async function rotateTogether(
  store: SessionStore,
  clients: number,
  rotations: number,
  random: () => number,
): Promise<Findings> {
  const clock = { now: Date.now() };
  const options = { store, rotationGrace: GRACE, storeTimeout: '60s', onReuse: 'destroy', touchInterval: 0 } as const;
  const servers = [0, SKEW].map((skew) => createSessions<object>({ ...options, now: () => clock.now + skew }));
  const [first] = servers;
  const storage: Storage = { token: (await first?.create({}))?.token ?? '' };
  const findings: Findings = { rotations: 0, dropped: 0, replaced: 0, tokens: 0, wrong: [] };
  const seen = new Set([storage.token]);
  const client = async () => {
    while (findings.rotations < rotations && findings.wrong.length === 0) {
      const server = servers[Math.floor(random() * servers.length)];
      if (server) await rotateOnce(server, storage, findings, seen, random);
      clock.now += Math.floor(random() * 200);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  if (!(await first?.fromToken(storage.token))?.session)
    findings.wrong.push('at the end, the newest token opens nothing');
  await Promise.all(servers.map((server) => server.close()));
  return { ...findings, tokens: seen.size };
}

async function rotateOnce(
  server: Sessions<object>,
  storage: Storage,
  findings: Findings,
  seen: Set<string>,
  random: () => number,
) {
  const sent = storage.token;
  try {
    const { session } = await server.fromToken(sent);
    if (!session) {
      if (storage.token === sent) findings.wrong.push('the newest token was refused');
      return;
    }
    const made = await session.rotate();
    seen.add(made);
    findings.rotations += 1;
    if (random() < 0.4) findings.dropped += 1;
    else if (storage.token === sent) storage.token = made;
  } catch (error) {
    const code = isSessionError(error) ? error.code : String(error);
    if (code === 'TOKEN_REPLACED' && storage.token !== sent) findings.replaced += 1;
    else findings.wrong.push(code);
  }
}

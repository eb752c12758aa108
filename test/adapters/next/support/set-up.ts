import { nextSessions } from '../../../../src/adapters/next/index.js';
import { cookie, createSessions, type SessionContext, type SessionsOptions } from '../../../../src/index.js';
import { countingStore } from '../../../support/counting-store.js';
import { nextScope } from './scope.js';

export interface Data {
  userId: string;
  views?: number;
}
export type Context = SessionContext<Data>;

export async function setUp(options: SessionsOptions<Data> = {}) {
  const store = countingStore();
  const warnings: string[] = [];
  const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
  const sessions = createSessions<Data>({ store, sources: [cookie('sid')], logger, ...options });
  const { token, id } = await sessions.create({ userId: 'ann' });
  store.reset();
  const views = async () => (await sessions.find(id))?.data.views;
  const asAnn = (headers: Readonly<Record<string, string>> = {}) =>
    nextScope({ cookie: `theme=dark; sid=${token}`, ...headers });
  return { ...nextSessions(sessions), asAnn, id, sessions, store, token, views, warnings };
}

export function change({ session }: Context): void {
  if (session) session.data.views = 7;
}

export const login = async ({ sessions }: Context, userId: string) => {
  await sessions.create({ userId });
};

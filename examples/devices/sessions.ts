import { createSessions, type SessionContext, type SessionStore } from 'token-sessions';

/** The data of a session of this application: its account and its device. */
export interface Device {
  readonly userId: string;
  readonly device: string;
}

/** At most three devices for each account: a fourth login ends the oldest. */
export function openSessions(store: SessionStore) {
  return createSessions<Device>({
    store,
    ownerOf: (data) => data.userId,
    maxPerOwner: { max: 3, onLimit: 'evict-oldest' },
  });
}

export type DeviceSessions = ReturnType<typeof openSessions>;
export type DeviceContext = SessionContext<Device>;

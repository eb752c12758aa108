import type { Services } from '../kernel/services.js';
import type { Settings } from '../kernel/settings.js';
import { type DraftBox, hasChanged } from './draft.js';
import type { CallSession } from './session.js';

const MESSAGE =
  'token-sessions: session.data was changed where nothing saves it (outside a guard, or in a context of fromHeaders or fromRequest): ' +
  'call save() or update(), use sessions.handle() or the adapter of your host, or put the guard withSession or requireSession before';

/** The settings stand for the `createSessions` that they were given to. */
const warned = new WeakSet<Settings>();

const registry = new FinalizationRegistry<() => void>((report) => report());

/** Calls `report` when nothing holds the object any more. The function must not hold it either. */
export function whenCollected(object: object, report: () => void): void {
  registry.register(object, report);
}

/** Logs a warning, once, when a draft that nothing saves is collected with changes in it. */
export function reportUnsaved({ draft: { box }, draft }: CallSession<unknown>, services: Services): void {
  if (services.settings.logger && !warned.has(services.settings)) whenCollected(draft, () => warnUnsaved(box, services));
}

/** Logs the warning now, where the draft has changes and its request is over. */
export function warnUnsaved(box: DraftBox<unknown>, services: Services): void {
  if (warned.has(services.settings) || !hasChanged(box)) return;
  warned.add(services.settings);
  services.settings.logger?.warn(MESSAGE);
}

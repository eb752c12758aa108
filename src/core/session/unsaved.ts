import type { Services } from '../kernel/services.js';
import type { Settings } from '../kernel/settings.js';
import { type DraftBox, hasChanged } from './draft.js';
import type { CallSession } from './session.js';

const REMEDY =
  'call save() or update(), use sessions.handle() or the adapter of your host, or put the guard withSession or requireSession before';

/**
 * A place is the path of a tRPC procedure. All other contexts of the application share this one.
 */
const ANY_PLACE = 'outside a guard, or in a context of fromHeaders or fromRequest';

/**
 * The bound on the places. Clients choose which procedures they batch, so they could fill memory.
 */
const MOST_PLACES = 100;

const warned = new WeakMap<Settings, Set<string>>();

const registry = new FinalizationRegistry<() => void>((report) => report());

/** Calls `report` when nothing holds the object any more. `report` must not hold it either. */
export function whenCollected(object: object, report: () => void): void {
  registry.register(object, report);
}

/** Logs a warning, once, when a draft with unsaved changes is garbage-collected. */
export function reportUnsaved({ draft: { box }, draft }: CallSession<unknown>, services: Services): void {
  if (services.settings.logger && !isKnown(services, ANY_PLACE))
    whenCollected(draft, () => warnUnsaved(box, services));
}

/**
 * Logs the warning now if the draft has changes, once for each place. The request of the draft
 * must be over.
 */
export function warnUnsaved(box: DraftBox<unknown>, services: Services, place = ANY_PLACE): void {
  if (isKnown(services, place) || !hasChanged(box)) return;
  const places = warned.get(services.settings) ?? new Set();
  warned.set(services.settings, places.add(place));
  services.settings.logger?.warn(
    `token-sessions: session.data was changed where nothing saves it (${place}): ${REMEDY}`,
  );
}

function isKnown(services: Services, place: string): boolean {
  const places = warned.get(services.settings);
  return places !== undefined && (places.has(place) || places.size >= MOST_PLACES);
}

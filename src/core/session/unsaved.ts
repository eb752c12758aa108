import type { Services } from '../kernel/services.js';
import { type DraftBox, hasChanged } from './draft.js';
import type { CallSession } from './session.js';

const REMEDY =
  'call save() or update(), use sessions.handle() or the adapter of your host, or put the guard withSession or requireSession before';

/** A place is the path of a tRPC procedure, or any context of the application. */
const ANY_PLACE = 'outside a guard, or in a context of fromHeaders or fromRequest';

/** Clients choose which procedures they batch: so there is a bound. */
const MOST_PLACES = 100;

const warned = new WeakMap<Services, Set<string>>();

const registry = new FinalizationRegistry<() => void>((report) => report());

/** Calls `report` when nothing holds the object any more. The function must not hold it either. */
export function whenCollected(object: object, report: () => void): void {
  registry.register(object, report);
}

/** Logs a warning, once, when a draft that nothing saves is collected with changes in it. */
export function reportUnsaved({ draft: { box }, draft }: CallSession<unknown>, services: Services): void {
  if (services.settings.logger && !isKnown(services, ANY_PLACE)) whenCollected(draft, () => warnUnsaved(box, services));
}

/**
 * Logs the warning now, once for each place, if the draft has changes. Its request must be over.
 */
export function warnUnsaved(box: DraftBox<unknown>, services: Services, place = ANY_PLACE): void {
  if (isKnown(services, place) || !hasChanged(box)) return;
  const places = warned.get(services) ?? new Set();
  warned.set(services, places.add(place));
  services.settings.logger?.warn(`token-sessions: session.data was changed where nothing saves it (${place}): ${REMEDY}`);
}

function isKnown(services: Services, place: string): boolean {
  const places = warned.get(services);
  return places !== undefined && (places.has(place) || places.size >= MOST_PLACES);
}

import type { Services } from '../kernel/services.js';
import { type DraftBox, hasChanged } from './draft.js';
import type { CallSession } from './session.js';

interface Unsaved {
  readonly box: DraftBox<unknown>;
  readonly services: Services;
}

const MESSAGE =
  'token-sessions: session.data was changed where nothing saves it (outside a guard, or in a context of fromHeaders): ' +
  'call save() or update(), or put the guard withSession or requireSession before';

const warned = new WeakSet<Services>();

const registry = new FinalizationRegistry<Unsaved>(({ box, services }) => warnUnsaved(box, services));

/** Logs a warning, once, when a draft that nothing saves goes away with changes in it. */
export function reportUnsaved({ draft }: CallSession<unknown>, services: Services): void {
  if (services.settings.logger && !warned.has(services)) registry.register(draft, { box: draft.box, services });
}

/** Logs the warning now, where the draft has changes and its request is over. */
export function warnUnsaved(box: DraftBox<unknown>, services: Services): void {
  if (warned.has(services) || !hasChanged(box)) return;
  warned.add(services);
  services.settings.logger?.warn(MESSAGE);
}

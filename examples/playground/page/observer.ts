import type { LibraryEvent, ObserverMessage } from '../server/messages.js';
import { byId, element, timeOf } from './dom.js';
import { recordView } from './record-view.js';

const LONGEST_LIST = 100;

/** Shows what goes on in the server. An application has nothing like it. */
export function startObserver(): void {
  const records = byId('records', HTMLElement);
  const events = byId('events', HTMLElement);
  const outage = byId('outage', HTMLInputElement);
  // They scroll, also for the keyboard.
  for (const scroller of [records, events]) scroller.tabIndex = 0;
  const versions = new Map<string, string>();
  const socket = new WebSocket('/observer');

  function show(message: ObserverMessage): void {
    if (message.type === 'event') {
      events.prepend(eventView(message.event));
      while (events.childElementCount > LONGEST_LIST) events.lastElementChild?.remove();
      return;
    }
    const { isAway, reads, writes } = message;
    outage.checked = isAway;
    const away = isAway ? 'The store is away: every request that needs it is answered with 503.' : '';
    if (byId('away', HTMLElement).textContent !== away) byId('away', HTMLElement).textContent = away;
    byId('reads', HTMLElement).textContent = String(reads);
    byId('writes', HTMLElement).textContent = String(writes);
    const views = message.records.map((record) => {
      const isChanged = versions.get(record.id) !== record.version;
      versions.set(record.id, record.version);
      return recordView(record, isChanged);
    });
    records.replaceChildren(
      ...(views.length > 0 ? views : [element('p', 'empty', 'No sessions: log in on a device.')]),
    );
  }

  socket.addEventListener('message', ({ data }) => show(JSON.parse(String(data))));
  socket.addEventListener('close', () => {
    byId('away', HTMLElement).textContent = 'The server has stopped: start it again, and reload this page.';
  });
  outage.addEventListener('change', () => socket.send(outage.checked ? 'away' : 'back'));
}

function eventView({ at, name, device, id, reason }: LibraryEvent): HTMLElement {
  const whose = element('span', 'whose', device || (id ? `…${id.slice(-8)}` : ''));
  return element(
    'p',
    'event',
    element('time', '', timeOf(at)),
    element('code', `name ${name}`, name),
    whose,
    element('span', 'quiet', reason),
  );
}

import type { DeviceOfUser } from './api.js';
import { element, part, timeOf } from './dom.js';
import { passwordDialog } from './password-dialog.js';

const ICONS: Readonly<Record<string, string>> = {
  Laptop: 'M5 5h14a1 1 0 0 1 1 1v9H4V6a1 1 0 0 1 1-1Zm-3 12h20l-1 2H3l-1-2Z',
  Phone: 'M8 2h8a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2Zm2.5 17h3v1h-3v-1Z',
};
const LONGEST_LOG = 30;

export type DeviceView = ReturnType<typeof deviceView>;

/** What a device shows. Knows nothing of sessions. */
export function deviceView(root: HTMLElement, name: string) {
  const title = part(root, 'title', HTMLElement);
  const who = part(root, 'who', HTMLElement);
  const login = part(root, 'login', HTMLFormElement);
  const inside = part(root, 'inside', HTMLElement);
  const live = part(root, 'live', HTMLElement);
  const list = part(root, 'list', HTMLElement);
  const log = part(root, 'log', HTMLElement);
  const isFocusIn = (where: HTMLElement): boolean => where.contains(document.activeElement);

  root.ariaLabel = name;
  title.textContent = name;
  log.tabIndex = 0; // It scrolls, also for the keyboard.
  log.ariaLabel = `What ${name} has done`;
  part(root, 'icon', SVGPathElement).setAttribute('d', ICONS[name] ?? '');

  return {
    askPassword: passwordDialog(root, name),

    onLogin(run: (credentials: { name: string; password: string }) => void): void {
      login.addEventListener('submit', (event) => {
        event.preventDefault();
        const form = new FormData(login);
        run({ name: String(form.get('name')), password: String(form.get('password')) });
      });
    },

    onAction(run: (action: string) => void): void {
      for (const button of root.querySelectorAll<HTMLButtonElement>('[data-action]')) {
        button.addEventListener('click', () => run(button.dataset['action'] ?? ''));
      }
    },

    onEnd(run: (id: string, device: string) => void): void {
      list.addEventListener('click', ({ target }) => {
        if (target instanceof HTMLButtonElement) run(target.value, target.dataset['device'] ?? '');
      });
    },

    showSignedIn(isSignedIn: boolean): void {
      // Focus must not stay in what is hidden; elsewhere it is left alone.
      if (!isSignedIn) part(root, 'dialog', HTMLDialogElement).close();
      const follow = isFocusIn(isSignedIn ? login : inside);
      inside.hidden = !isSignedIn;
      login.hidden = isSignedIn;
      root.classList.toggle('signed-in', isSignedIn);
      who.textContent = isSignedIn ? 'Signed in' : 'Signed out';
      if (follow) title.focus();
    },

    showUser(userId: string): void {
      who.textContent = `Signed in as ${userId}`;
    },

    showCount(count: number): void {
      part(root, 'count', HTMLElement).textContent = String(count);
    },

    /** The id and the end of the secret: whoever looks on must not get a token. */
    showToken(token: string | null): void {
      const [, start, end] = /^(ts_.{8}).*(.{4})$/.exec(token ?? '') ?? [];
      part(root, 'token', HTMLElement).textContent = token ? `${start}…${end}` : 'none';
    },

    showLive(state: 'waiting' | 'live' | 'ended', messages: number): void {
      live.dataset['state'] = state;
      const many = `${messages} message${messages === 1 ? '' : 's'}`;
      const ended = messages > 0 ? `ended after ${many}` : 'refused';
      live.textContent = { waiting: 'connecting', live: many, ended }[state];
    },

    showDevices(devices: readonly DeviceOfUser[]): void {
      const focused = document.activeElement instanceof HTMLButtonElement && isFocusIn(list) ? document.activeElement.value : undefined;
      list.replaceChildren(...devices.map(deviceItem));
      if (focused === undefined) return;
      const again = [...list.querySelectorAll('button')].find(({ value }) => value === focused);
      (again ?? part(root, 'list-title', HTMLElement)).focus();
    },

    log(kind: 'done' | 'warning', text: string): void {
      log.prepend(element('p', kind, element('time', '', timeOf(Date.now())), text));
      while (log.childElementCount > LONGEST_LOG) log.lastElementChild?.remove();
    },
  };
}

function deviceItem({ id, device, isCurrent, createdAt }: DeviceOfUser): HTMLElement {
  const text = element('span', '', device, element('span', 'quiet', isCurrent ? ' this one' : ` since ${timeOf(createdAt)}`));
  const button = element('button', 'small', 'End', element('span', 'unseen', ` the session of ${device} since ${timeOf(createdAt)}`));
  button.type = 'button';
  button.value = id;
  button.dataset['device'] = device;
  return element('li', '', text, button);
}

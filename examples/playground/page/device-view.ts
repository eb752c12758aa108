import type { DeviceOfUser } from './api.js';
import { element, part, timeOf } from './dom.js';
import { passwordDialog } from './password-dialog.js';

const ICONS: Readonly<Record<string, string>> = {
  Laptop: 'M5 5h14a1 1 0 0 1 1 1v9H4V6a1 1 0 0 1 1-1Zm-3 12h20l-1 2H3l-1-2Z',
  Phone: 'M8 2h8a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2Zm2.5 17h3v1h-3v-1Z',
};
const LONGEST_LOG = 30;

/** The picture of a device. Knows nothing of sessions. */
export class DeviceView {
  /** Asks until `confirm` has accepted a password, or the user gives up. */
  readonly askPassword: (confirm: (password: string) => Promise<unknown>) => Promise<boolean>;
  readonly #root: HTMLElement;

  constructor(root: HTMLElement, name: string) {
    this.#root = root;
    this.askPassword = passwordDialog(root, name);
    const log = this.#part('log');
    root.ariaLabel = name;
    log.ariaLabel = `Log of ${name}`;
    log.tabIndex = 0; // It scrolls, also for the keyboard.
    this.#part('title').textContent = name;
    part(root, 'icon', SVGPathElement).setAttribute('d', ICONS[name] ?? '');
  }

  onLogin(run: (credentials: { readonly name: string; readonly password: string }) => void): void {
    const login = part(this.#root, 'login', HTMLFormElement);
    login.addEventListener('submit', (event) => {
      event.preventDefault();
      const form = new FormData(login);
      run({ name: String(form.get('name')), password: String(form.get('password')) });
    });
  }

  onAction(run: (action: string) => void): void {
    for (const button of this.#root.querySelectorAll<HTMLButtonElement>('[data-action]')) {
      button.addEventListener('click', () => run(button.dataset['action'] ?? ''));
    }
  }

  onEnd(run: (id: string, device: string) => void): void {
    this.#part('list').addEventListener('click', ({ target }) => {
      if (target instanceof HTMLButtonElement) run(target.value, target.dataset['device'] ?? '');
    });
  }

  showSignedIn(isSignedIn: boolean): void {
    const [shown, hidden] = [this.#part('inside'), this.#part('login')];
    if (!isSignedIn) part(this.#root, 'dialog', HTMLDialogElement).close();
    // Focus must not stay in what is hidden; elsewhere it is left alone.
    const isFocusLost = (isSignedIn ? hidden : shown).contains(document.activeElement);
    shown.hidden = !isSignedIn;
    hidden.hidden = isSignedIn;
    this.#root.classList.toggle('signed-in', isSignedIn);
    this.#part('who').textContent = isSignedIn ? 'Signed in' : 'Signed out';
    if (isFocusLost) this.#part('title').focus();
  }

  showUser(userId: string): void {
    this.#part('who').textContent = `Signed in as ${userId}`;
  }

  showCount(count: number): void {
    this.#part('count').textContent = String(count);
  }

  /** The id and the end of the secret: whoever looks on must not get a token. */
  showToken(token: string | null): void {
    const [, start, end] = /^(ts_.{8}).*(.{4})$/.exec(token ?? '') ?? [];
    this.#part('token').textContent = token ? `${start}…${end}` : 'none';
  }

  showLive(state: 'waiting' | 'live' | 'ended', messages: number): void {
    const many = `${messages} message${messages === 1 ? '' : 's'}`;
    const ended = messages > 0 ? `ended after ${many}` : 'refused';
    const live = this.#part('live');
    live.dataset['state'] = state;
    live.textContent = { waiting: 'connecting', live: many, ended }[state];
  }

  showDevices(devices: readonly DeviceOfUser[]): void {
    const list = this.#part('list');
    const focused = list.querySelector<HTMLButtonElement>('button:focus')?.value;
    list.replaceChildren(...devices.map(deviceItem));
    if (focused === undefined) return;
    const again = [...list.querySelectorAll('button')].find(({ value }) => value === focused);
    (again ?? this.#part('list-title')).focus();
  }

  log(kind: 'done' | 'warning', text: string): void {
    const log = this.#part('log');
    log.prepend(element('p', kind, element('time', '', timeOf(Date.now())), text));
    while (log.childElementCount > LONGEST_LOG) log.lastElementChild?.remove();
  }

  #part(name: string): HTMLElement {
    return part(this.#root, name, HTMLElement);
  }
}

function deviceItem({ id, device, isCurrent, createdAt }: DeviceOfUser): HTMLElement {
  const since = ` since ${timeOf(createdAt)}`;
  const text = element('span', '', device, element('span', 'quiet', isCurrent ? ' this one' : since));
  const button = element('button', 'small', 'End', element('span', 'unseen', ` the session of ${device}${since}`));
  button.type = 'button';
  button.value = id;
  button.dataset['device'] = device;
  return element('li', '', text, button);
}

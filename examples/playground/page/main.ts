import { rememberedChoice } from './choices.js';
import { type Protocol, startDevice } from './device.js';
import { DeviceView } from './device-view.js';
import { byId } from './dom.js';
import { startObserver } from './observer.js';

const template = byId('device', HTMLTemplateElement);
const place = byId('devices', HTMLElement);
let devices: ReturnType<typeof startDevice>[] | undefined;

function start(name: string, protocol: Protocol) {
  place.append(template.content.cloneNode(true));
  const root = place.lastElementChild;
  if (!(root instanceof HTMLElement)) throw new TypeError('the template is empty');
  return startDevice(name, new DeviceView(root, name), protocol);
}

rememberedChoice('theme', (theme) => {
  document.documentElement.dataset['theme'] = theme;
});
rememberedChoice('protocol', (value) => {
  const protocol = value === 'graphql' ? 'graphql' : 'trpc';
  if (devices) for (const device of devices) device.talk(protocol);
  else devices = ['Laptop', 'Phone'].map((name) => start(name, protocol));
});
startObserver();

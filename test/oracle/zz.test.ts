import { test } from 'vitest';
import { judge } from './model/judge.js';
import { loadSources } from './play/library.js';
import { play } from './play/play.js';
import { Theatre } from './play/theatre.js';

const P = JSON.parse(process.env['P'] ?? '');
test('zz', async () => {
  const theatre = new Theatre(await loadSources(), P.world);
  await theatre.open();
  const trace = await play(theatre, P);
  for (const t of trace.turns) console.log(t.who, t.at, JSON.stringify(t.items));
  try {
    judge(P, trace);
  } catch (e) {
    console.log(String(e));
  }
  await theatre.close();
});

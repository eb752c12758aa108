import { test } from 'vitest';
import { loadSources } from './play/library.js';
import { play } from './play/play.js';
import { Theatre } from './play/theatre.js';
import type { Procedure, Program } from './program.js';

const p = (over: Partial<Procedure>): Procedure => ({ first: 'require', second: 'none', before: [], middle: [], body: [], late: [], after: [], end: 'ok', failing: 'never', again: 'never', careful: false, ...over });
test('try', async () => {
  const lib = await loadSources();
  const theatre = new Theatre(lib, 'cookie');
  await theatre.open();
  const handler = { body: [{ do: 'change' as const }], end: 'ok' as const, careful: false, guarded: false };
  const f = { body: [{ do: 'see' as const }, { do: 'change' as const }], end: 'ok' as const, careful: false, inFragment: false };
  const programs: Program[] = [
    { world: 'cookie', turns: [0], requests: [{ kind: 'trpc', link: 'batch', front: null, credential: { session: 0, by: 'cookie' }, calls: [p({ body: [{ do: 'see' }, { do: 'change' }] }), p({ body: [{ do: 'create', user: 1 }] })] }] },
    { world: 'cookie', turns: [0], requests: [{ kind: 'trpc', link: 'socket', front: null, credential: { session: 0, by: 'cookie' }, calls: [p({ body: [{ do: 'see' }, { do: 'change' }] }), p({ body: [{ do: 'see' }, {do:'nested', calls: [p({})]}] })] }] },
    { world: 'cookie', turns: [0], requests: [{ kind: 'trpc', link: 'stream', front: handler, credential: { session: 0, by: 'cookie' }, calls: [p({ body: [{ do: 'see' }, { do: 'change' }] }), p({ body: [{ do: 'see' }] })] }] },
    { world: 'cookie', turns: [0], requests: [{ kind: 'yoga', link: 'batch', front: handler, credential: { session: 0, by: 'cookie' }, operations: [{ type: 'mutation', typename: 'no', context: [], fields: [f, { ...f, end: 'throw' }] }] }] },
    { world: 'cookie', turns: [0], requests: [{ kind: 'yoga', link: 'socket', front: null, credential: { session: 0, by: 'bearer' }, operations: [{ type: 'mutation', typename: 'no', context: [], fields: [f, { ...f, end: 'throw' }] }] }] },
    { world: 'cookie', turns: [0], requests: [{ kind: 'express', credential: { session: 0, by: 'bearer' }, handler }] },
  ];
  for (const program of programs) {
    const t0 = performance.now();
    const trace = await play(theatre, program);
    console.log(JSON.stringify({ ...trace, answers: [...trace.answers], ending: { stored: [...trace.ending.stored], live: trace.ending.live, opens: [...trace.ending.opens] } }, null, 1).replace(/\n\s+/g, ' '), performance.now() - t0);
  }
  const t0 = performance.now();
  for (let i = 0; i < 100; i++) for (const program of programs) await play(theatre, program);
  console.log((performance.now() - t0) / 600);
  await theatre.close();
});

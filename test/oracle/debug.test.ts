import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { judge } from './model/judge.js';
import { loadSources } from './play/library.js';
import { play } from './play/play.js';
import { Theatre } from './play/theatre.js';

test('debug', async () => {
  const program = JSON.parse(readFileSync('/tmp/program.json', 'utf8'));
  const theatre = new Theatre(await loadSources(), program.world);
  await theatre.open();
  const trace = await play(theatre, program);
  console.log(trace.initial.map((x) => x.id));
  for (const turn of trace.turns) {
    console.log(turn.who, turn.at);
    for (const item of turn.items) console.log('     ', item.who, item.at, JSON.stringify(item.seen));
  }
  console.log(trace.stuck, JSON.stringify([...trace.answers]), JSON.stringify(trace.heads));
  try {
    judge(program, trace);
    console.log('fine');
  } catch (error) {
    console.log(String(error));
  }
  await theatre.close();
});

import { commandsPerRequest } from '../run/commands.ts';
import { type Cost, type Load, measureRound } from '../run/measure.ts';
import { CONTESTANTS, type Ready } from './catalogue.ts';

/**
 * A question of the parent about the contestant with this number: the cost of a load, or the store
 * commands of a request.
 */
export type Question = { readonly about: number } & ({ readonly load: Load } | { readonly commands: true });

/** The first message, once all contestants are ready, and then the answer to each question. */
export type Answer = { readonly names: string[] } | { readonly cost: Cost } | { readonly commands: number };

const [keys = '[]', servers = ''] = process.argv.slice(2);
const contestants: Ready[] = [];
for (const key of JSON.parse(keys)) {
  const make = CONTESTANTS.get(key);
  if (!make) throw new Error(`there is no contestant ${key}`);
  contestants.push(await make(JSON.parse(servers)));
}

async function answer(question: Question): Promise<Answer> {
  const ready = contestants[question.about];
  if (!ready) throw new Error(`there is no contestant number ${question.about}`);
  const { contestant, count } = ready;
  if ('load' in question) return { cost: await measureRound(contestant, question.load) };
  return { commands: count ? await commandsPerRequest(contestant, count) : 0 };
}

const send = (message: Answer): void => void process.send?.(message);
const fail = (error: unknown): void => {
  console.error(error);
  process.exit(1);
};
process.on('message', (question: Question) => void answer(question).then(send, fail));
process.on('disconnect', () => process.exit());
send({ names: contestants.map(({ contestant }) => contestant.name) });

import { commandsPerRequest } from '../run/commands.ts';
import { type Cost, type Load, measureRound } from '../run/measure.ts';
import { CONTESTANTS } from './catalogue.ts';

/** A question of the parent: the cost of a load, or the store commands of a request. */
export type Question = { readonly load: Load } | { readonly commands: true };

/** The first message, once the contestant is ready, and then the answer to each question. */
export type Answer = { readonly name: string } | { readonly cost: Cost } | { readonly commands: number };

const [key = '', servers = ''] = process.argv.slice(2);
const make = CONTESTANTS.get(key);
if (!make) throw new Error(`there is no contestant ${key}`);
const { contestant, count } = await make(JSON.parse(servers));

async function answer(question: Question): Promise<Answer> {
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
send({ name: contestant.name });

import { runChecks } from '../check.js';
import { suiteOn } from '../suite.js';
import { openSqlite } from './sqlite.js';

/* Runs the suite in a process of Node, Bun or Deno, and prints the results as JSON. */

console.log(JSON.stringify(await runChecks(suiteOn(openSqlite))));

import { runLive } from './run.js';

const asExpected = await runLive(console.log);
if (!asExpected) process.exitCode = 1;

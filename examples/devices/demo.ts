import { runDevices } from './run.js';

const asExpected = await runDevices(console.log);
if (!asExpected) process.exitCode = 1;

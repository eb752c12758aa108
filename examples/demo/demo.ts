import { memoryStore } from 'token-sessions';
import { runDemo } from './run.js';

const asExpected = await runDemo(memoryStore(), console.log);
if (!asExpected) process.exitCode = 1;

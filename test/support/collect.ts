import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A function that collects garbage. */
export function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

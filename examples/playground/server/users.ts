/**
 * The users of the playground, and their passwords. A real application keeps slow, salted hashes.
 */
const PASSWORDS = new Map([
  ['ada', 'lovelace'],
  ['grace', 'hopper'],
]);

export const USERS = [...PASSWORDS.keys()];

export function isUser(name: string, password: string): boolean {
  return PASSWORDS.get(name) === password;
}

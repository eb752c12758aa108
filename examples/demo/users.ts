/** The users of the demo. A real application keeps slow, salted hashes of the passwords. */
const PASSWORDS = new Map([
  ['ada', 'lovelace'],
  ['grace', 'hopper'],
]);

export function isUser(name: string, password: string): boolean {
  return PASSWORDS.get(name) === password;
}

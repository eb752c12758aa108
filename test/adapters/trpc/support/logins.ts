import { cookie, header } from '../../../../src/index.js';

export const WRITTEN = { sources: [cookie('session', { secure: false }), header('x-auth-token', { respond: true })] };

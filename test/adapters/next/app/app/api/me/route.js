import { requireSession } from 'token-sessions';
import { route } from '../../../sessions.js';

export const GET = route((context) => Response.json(requireSession(context).data));

import { counts } from '../../../sessions.js';

export const dynamic = 'force-dynamic';

/** How often the store was asked. */
export const GET = () => Response.json({ finds: counts.finds });

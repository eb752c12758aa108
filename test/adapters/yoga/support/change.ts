import { requireSession } from '../../../../src/adapters/yoga/index.js';
import type { Ctx } from './rules.js';

export const change = (ctx: Ctx) => requireSession(ctx).data;

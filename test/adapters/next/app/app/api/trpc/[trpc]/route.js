import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createContext, responseMeta, router } from '../../../../trpc.js';

const handler = (req) => fetchRequestHandler({ endpoint: '/api/trpc', req, router, createContext, responseMeta });

export { handler as GET, handler as POST };

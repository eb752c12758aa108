import { TRPCError } from '@trpc/server';

export const fail = (): never => {
  throw new TRPCError({ code: 'FORBIDDEN' });
};

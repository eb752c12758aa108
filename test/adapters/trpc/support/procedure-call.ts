/** Calls a procedure as tRPC does, with a context of unknown type. */
export async function callProcedure(procedure: unknown, ctx: object): Promise<unknown> {
  const call = {
    ctx,
    getRawInput: async () => undefined,
    path: '',
    type: 'query',
    signal: undefined,
    input: undefined,
    batchIndex: 0,
  };
  return Reflect.apply(Object(procedure), undefined, [call]);
}

/** Notes what is reported to a subscription. */
export function listener() {
  const ids: string[] = [];
  const calls: number[] = [];
  let gaps = 0;
  return {
    ids,
    calls,
    get gaps() {
      return gaps;
    },
    ended: (told: readonly string[]) => {
      ids.push(...told);
      calls.push(told.length);
    },
    gap: () => {
      gaps += 1;
    },
  };
}

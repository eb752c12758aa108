/**
 * Reads a stream of server-sent events to its end, and answers its text. Calls `onOpen` once when
 * the text has this part.
 */
export async function readEvents(response: Response, part: string, onOpen: () => Promise<unknown>): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let isOpen = false;
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    text += value ?? '';
    if (!isOpen && text.includes(part)) {
      isOpen = true;
      await onOpen();
    }
    if (done) return text;
  }
}

/** A fenced block of a Markdown file. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Where it stands, for messages: the line of its fence. */
  readonly line: number;
  /** The file that a first line such as `// sessions.ts` or `// app/page.tsx` names. */
  readonly file: string | undefined;
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  for (const match of markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    const [, language = '', text = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length;
    blocks.push({
      language,
      text,
      line,
      file: /^\/\/ ((?:[\w[\]-]+\/)*[\w-]+(?:\.[\w-]+)*\.(?:tsx?|mjs|cjs))\n/.exec(text)?.[1],
    });
  }
  return blocks;
}

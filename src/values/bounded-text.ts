/** The most characters of a text: about a hundred each for 300,000 objects. JavaScript's longest string has 16 times as many. */
export const MAX_TEXT = 2 ** 25;

/** Joins lines to a text of bounded length, which says so where it is cut. @param whole - what returns all the lines. */
export function textOf(lines: Iterable<string>, whole: string): string {
  const text = new BoundedText(whole);
  for (const line of lines) if (!text.add(line)) break;
  return text.toString();
}

/** Joins lines as `textOf` does, as they come. */
export async function textOfAsync(lines: AsyncIterable<string>, whole: string): Promise<string> {
  const text = new BoundedText(whole);
  for await (const line of lines) if (!text.add(line)) break;
  return text.toString();
}

class BoundedText {
  private readonly lines: string[] = [];
  private length = 0;

  constructor(private readonly whole: string) {}

  /** Appends a line. @returns false once the text is full: the caller adds no more lines. */
  add(line: string): boolean {
    this.length += line.length + 1;
    if (this.length <= MAX_TEXT) this.lines.push(line);
    else this.lines.push(`(cut here, at ${MAX_TEXT} characters; ${this.whole} has all lines)`);
    return this.length <= MAX_TEXT;
  }

  toString(): string {
    return this.lines.join('\n');
  }
}

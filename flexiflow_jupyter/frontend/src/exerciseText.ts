/** The words of an exercise: paragraphs, and names in backticks. */

/** A piece of a paragraph; code is what stood in backticks. */
export interface Piece {
  text: string;
  isCode: boolean;
}

/** The pieces of one paragraph; a backtick without its fellow is an ordinary sign. */
export function piecesOf(paragraph: string): Piece[] {
  const parts = paragraph.split("`");
  if (parts.length % 2 === 0) {
    const last = parts.pop() ?? "";
    parts[parts.length - 1] += `\`${last}`;
  }
  return parts
    .map((text, at) => ({ text, isCode: at % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}

/** The paragraphs of a text, one a line. */
export function paragraphsOf(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

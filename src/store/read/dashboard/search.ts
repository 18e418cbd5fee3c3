/** What was asked for, without the one character that no text in the database can hold. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}

/** A text for LIKE that stands for nothing but itself. */
export function patternOf(text: string): string {
  return storable(text).replaceAll(/[\\%_]/g, "\\$&");
}

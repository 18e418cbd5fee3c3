/** Remembers what was worked out for a text. A storm repeats itself: nearly every event of it was understood before. */
export function remembering<Value>(
  limits: { charactersMax: number; totalCharactersMax: number },
  work: (text: string) => Value,
): (text: string) => Value {
  const memory = new Map<string, Value>();
  let characters = 0;
  return (text) => {
    const remembered = memory.get(text);
    if (remembered !== undefined || text.length > limits.charactersMax) return remembered ?? work(text);
    const value = work(text);
    characters += text.length;
    if (characters > limits.totalCharactersMax) {
      memory.clear();
      characters = text.length;
    }
    memory.set(text, value);
    return value;
  };
}

/** Remembers the newest `most` answers, and asks once where several want the same at the same time. */
export function createMemory<T>(most: number): (key: string, ask: () => Promise<T>) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key, ask) => {
    const there = known.get(key);
    if (there !== undefined) return there;
    const asked = ask().catch((error: unknown) => {
      known.delete(key);
      throw error;
    });
    known.set(key, asked);
    const oldest = known.keys().next().value;
    if (known.size > most && oldest !== undefined) known.delete(oldest);
    return asked;
  };
}

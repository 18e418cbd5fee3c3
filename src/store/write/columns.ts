import { type SQL, sql } from "drizzle-orm";

/** One column of many rows as one parameter, for `unnest`: the statement's text stays the same however many rows there are. */
export function texts(values: readonly (string | null)[]): SQL {
  return sql`${sql.param(values)}::text[]`;
}

/** Moments travel as text: the two drivers write lists of dates differently. */
export function instants(values: readonly Date[]): SQL {
  return sql`${sql.param(values.map((value) => value.toISOString()))}::text[]::timestamptz[]`;
}

export function counts(values: readonly number[]): SQL {
  return sql`${sql.param(values.map(String))}::text[]::bigint[]`;
}

/** Items by key, in the order of their keys: two batches that touch the same rows take their locks in the same order. */
export function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): [Item, ...Item[]][] {
  const groups = new Map<string, [Item, ...Item[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, group]) => group);
}

export function minuteOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 60_000) * 60_000);
}

const charactersMax = 2_000;
/** A part of a path that names one thing of many: a number, a UUID, a hash, an id with a prefix, an address. */
const nameOfOne =
  /^(?:\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?=[a-f]*\d)[0-9a-f]{8,}|[a-z]{2,10}_(?=[A-Za-z]*\d)[A-Za-z0-9]{6,}|[^@]+@[^@]+|.{40,})$/i;

/**
 * The route behind an address that was really asked for: `/orders/17?x=1` is `/orders/:id`. Without this every order would
 * be an operation of its own. Routes that the sender knows (`/orders/[id]`) stay as they are.
 */
export function routeOf(address: string): string {
  const path = pathOf(address.slice(0, charactersMax));
  return path
    .split("/")
    .map((part) => (nameOfOne.test(part) ? ":id" : part))
    .join("/");
}

/** Origin, query and fragment go: they may hold secrets and say nothing about the route. */
function pathOf(address: string): string {
  const path = address.replace(/^[a-z][a-z0-9+.-]{1,20}:\/\/[^/?#]{0,300}/i, "").replace(/[?#].*$/s, "");
  return path === "" ? "/" : path;
}

/** `METHOD /route` from a name that may already be one (`GET /orders/17`), from the path alone, or from both. */
export function operationFrom(
  name: string | null | undefined,
  method: string | null | undefined,
  address: string | null | undefined,
): string | null {
  const verb = /^[A-Za-z]{2,12}$/.test(method ?? "") ? `${method?.toUpperCase()} ` : "";
  if (!name) return address ? verb + routeOf(address) : null;
  const named = /^([A-Z]{2,12}) (\/.*)$/s.exec(name);
  if (named?.[1] !== undefined && named[2] !== undefined) return `${named[1]} ${routeOf(named[2])}`;
  return name.startsWith("/") ? verb + routeOf(name) : name;
}

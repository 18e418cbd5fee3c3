/** What pressing a key does, apart from where it was pressed. */
export interface Ways {
  go(href: string): void;
  help(): void;
}

const home = "/dashboard/agent";
export const pagesByKey = {
  b: { href: home, name: "The board: what Vigil is doing now" },
  h: { href: `${home}/history`, name: "History" },
  a: { href: `${home}/audit`, name: "Audit log" },
  d: { href: `${home}/detection`, name: "Detection" },
  s: { href: `${home}/settings`, name: "Settings" },
} as const;

/** After `g`, the next key says where to; later it stands for itself again. */
const sequenceMs = 1_500;
/** Another page has to be read before its search is there. */
const searchWithinMs = 10_000;

let leaderAt = Number.NEGATIVE_INFINITY;

export function press(key: string, { go, help }: Ways): void {
  const isSecond = performance.now() - leaderAt < sequenceMs;
  leaderAt = key === "g" && !isSecond ? performance.now() : Number.NEGATIVE_INFINITY;
  if (isSecond && isPageKey(key)) {
    go(pagesByKey[key].href);
    return;
  }
  const acts: Record<string, () => void> = {
    "?": help,
    j: () => step(1),
    k: () => step(-1),
    o: openItem,
    p: () => document.querySelector<HTMLElement>("[data-pause] button")?.click(),
    "/": () => search(go),
  };
  acts[key]?.();
}

function isPageKey(key: string): key is keyof typeof pagesByKey {
  return Object.hasOwn(pagesByKey, key);
}

/** What a page lists: fixes that wait, issues at work, issues of the past, actions. */
function items(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("main :is(article, [data-issue])")].filter(
    (item) => item.offsetParent !== null && linkOf(item) !== null,
  );
}

const linkOf = (item: HTMLElement) => item.querySelector<HTMLAnchorElement>("a[href]");
const isHere = (item: HTMLElement) => item.contains(document.activeElement);

/** Moves the keyboard's place to the next item, or to the first. */
function step(by: 1 | -1): void {
  const all = items();
  const at = all.findIndex(isHere);
  const next = all[at === -1 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  if (next === undefined) return;
  linkOf(next)?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function openItem(): void {
  const item = items().find(isHere);
  if (item !== undefined) linkOf(item)?.click();
}

/** The search of this page; a page without one leads to history, which has. */
function search(go: Ways["go"]): void {
  if (focusSearch()) return;
  go(pagesByKey.h.href);
  const observer = new MutationObserver(() => focusSearch() && observer.disconnect());
  observer.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), searchWithinMs);
}

function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>('main input[type="search"]');
  field?.focus();
  field?.select();
  return field !== null;
}

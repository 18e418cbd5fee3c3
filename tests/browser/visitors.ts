import type { Browser, Page } from "playwright-core";
import { aVisitor, launchBrowser, signIn, untilWhole } from "./a-browser.ts";
import { passwords, startVigil, type Vigil } from "./a-vigil.ts";

type Options = Parameters<typeof aVisitor>[2];

/** A running Vigil and the people who look at it. */
export interface Visitors<V = Vigil> {
  vigil: V;
  /** Somebody with a browser of their own. */
  visit(options?: Options): Promise<Page>;
  /** Somebody who is signed in, on `path`. Vera is a viewer, everybody else an operator. */
  enter(path: string, name: string, options?: Options): Promise<Page>;
  /** What no page may do, and one did. */
  complaints(): string[];
  dispose(): Promise<void>;
}

export const startVisitors = (): Promise<Visitors> => visitorsOf(startVigil());

/** People in front of a Vigil that was started for them. */
export async function visitorsOf<V extends Visited>(starting: Promise<V>): Promise<Visitors<V>> {
  const [vigil, browser] = await Promise.all([starting, launchBrowser()]);
  const visitors: Awaited<ReturnType<typeof aVisitor>>[] = [];
  const visit = async (options: Options = {}) => {
    const visitor = await aVisitor(browser, vigil.url, { baseURL: vigil.url, ...options });
    visitors.push(visitor);
    return visitor.page;
  };
  return {
    vigil,
    visit,
    async enter(path, name, options = {}) {
      const page = await visit(options);
      await page.goto(path);
      await signIn(page, { name, password: passwords[name === "Vera" ? "viewer" : "operator"] });
      await page.waitForURL((url) => url.pathname === path.split("?")[0]);
      await untilWhole(page);
      await untilAlive(page);
      return page;
    },
    complaints: () => visitors.flatMap(({ complaints }) => complaints),
    dispose: () => closeAll(vigil, browser, visitors),
  };
}

/** The page's scripts have come: it hears of news from now on, and its buttons do what they say. */
async function untilAlive(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const button = document.querySelector("header button");
    return button !== null && Object.keys(button).some((name) => name.startsWith("__reactProps"));
  });
}

interface Visited {
  url: string;
  dispose(): Promise<void>;
}

async function closeAll(vigil: Visited, browser: Browser, visitors: Awaited<ReturnType<typeof aVisitor>>[]) {
  await Promise.all(visitors.map(({ context }) => context.close()));
  await browser.close();
  await vigil.dispose();
}

/** What of the page is about one fix that waits for a person. */
export const approvalCard = (page: Page, title: RegExp | string) => page.getByRole("article", { name: title });
/** The question that is open. */
export const question = (page: Page) => page.getByRole("alertdialog");

import type { Call } from "./router.ts";
import type { State } from "./state.ts";

/** The repository as the API and as people address it. */
export const repositoryUrl = ({ origin, state }: Call) => `${origin}/repos/${state.owner}/${state.name}`;
export const webUrl = ({ state }: { state: State }) => `https://github.com/${state.owner}/${state.name}`;

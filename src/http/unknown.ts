import { Failure } from "#domain/failure.ts";
import { thisProcess } from "./context.ts";
import { endpoint, type Handler, type Log } from "./respond.ts";

/** Every address below /api that nothing else answers: a program gets the one error shape, not a page. */
export function unknownAddress(log: Log = thisProcess.log) {
  const refuse: Handler = async () => {
    throw new Failure("not_found", "There is nothing at this address.");
  };
  return endpoint(log, { GET: refuse, HEAD: refuse, POST: refuse, PUT: refuse, PATCH: refuse, DELETE: refuse });
}

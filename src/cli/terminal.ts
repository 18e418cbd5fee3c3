import { once } from "node:events";

/** Standard output at the reader's pace, and standard error. A reader that went away (`| head`) ends the program quietly. */
export function terminal(): { write: (line: string) => Promise<void>; complain: (line: string) => void } {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  return {
    write: async (line) => {
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, "drain");
    },
    complain: (line) => console.error(line),
  };
}

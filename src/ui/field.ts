/** The one shape of everything that is typed into or chosen from; no smaller letters than a phone shows without zooming. */
export const fieldClass = "min-h-10 rounded-md border border-line bg-page px-2 text-base sm:min-h-8 sm:text-sm";

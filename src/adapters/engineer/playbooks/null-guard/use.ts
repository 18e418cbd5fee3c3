/** Whether the place where a value goes can do with `undefined`, and how plainly the code says so. */
export interface Use {
  accepts: boolean;
  sure: boolean;
  /** Completes "… , which ". */
  because: string;
}

export const no = (because: string): Use => ({ accepts: false, sure: true, because });
export const plainly = (because: string): Use => ({ accepts: true, sure: true, because });
export const probably = (because: string): Use => ({ accepts: true, sure: false, because });

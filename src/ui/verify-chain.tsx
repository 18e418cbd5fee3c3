"use client";

import { useState, useTransition } from "react";
import { Button } from "./button.tsx";
import { useOrders } from "./orders.tsx";

/** Walks the chain and shows what came of it. */
export function VerifyChain() {
  const { ask } = useOrders();
  const [result, setResult] = useState<{ whole: boolean; message: string } | null>(null);
  const [isBusy, start] = useTransition();
  const verify = () => start(async () => setResult(await ask("/api/agent/audit")));
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Button onClick={verify} disabled={isBusy}>
        {isBusy ? "Walking the chain…" : "Verify the chain"}
      </Button>
      <span role="status" className={result?.whole === false ? "text-bad" : "text-good"}>
        {result !== null && `${result.whole ? "Whole" : "Broken"}: ${result.message}`}
      </span>
    </div>
  );
}

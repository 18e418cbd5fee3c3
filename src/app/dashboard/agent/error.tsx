"use client";

import { Button } from "#ui/button.tsx";

export default function PageFailed({ reset }: { reset: () => void }) {
  return (
    <div role="alert" className="py-16 text-center">
      <h1 className="font-semibold text-lg">This page could not be read</h1>
      <p className="mt-2 mb-4 text-muted">Vigil goes on with its work. The database may be away for a moment.</p>
      <Button look="primary" onClick={reset}>
        Try again
      </Button>
    </div>
  );
}

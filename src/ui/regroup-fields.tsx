"use client";

import { useEffect, useState } from "react";
import type { Severity } from "#domain/issue.ts";
import type { Status } from "#domain/lifecycle.ts";
import { SeverityBadge, StatusBadge } from "./badge.tsx";
import { counted } from "./facts.tsx";
import { fieldClass } from "./field.ts";

interface Found {
  id: string;
  title: string;
  severity: Severity;
  status: Status;
}

interface Group {
  fingerprint: string;
  title: string;
  events: number;
}

/** Asked when typing pauses. */
const restMs = 250;
const foundMax = 8;
const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

/** Another issue, found by its words, its id or its link. */
export function OtherIssueFields({ issueId }: { issueId: string }) {
  const [text, setText] = useState("");
  const found = useAnswer<{ issues: Found[] }>(
    `/api/agent/issues?limit=${foundMax}&text=${encodeURIComponent(uuid.exec(text)?.[0] ?? text)}`,
  );
  const others = found?.issues.filter(({ id }) => id !== issueId);
  return (
    <>
      <label className="block">
        <span className="font-medium">The other issue: words, id or link</span>
        <input
          type="search"
          value={text}
          maxLength={200}
          onChange={(event) => setText(event.target.value)}
          // Enter would give the order before anything was chosen.
          onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
          className={`${fieldClass} mt-1 w-full`}
        />
      </label>
      <Choice name="into" legend="Issues that fit" nothing="No other issue fits.">
        {others?.map(({ id, title, severity, status }) => ({
          value: id,
          label: (
            <>
              <SeverityBadge severity={severity} /> <span className="min-w-0 flex-1 truncate">{title}</span>{" "}
              <StatusBadge status={status} />
            </>
          ),
        }))}
      </Choice>
    </>
  );
}

/** One of the kinds of errors that belong to the issue; the one that opened it stays. */
export function GroupFields({ issueId }: { issueId: string }) {
  const issue = useAnswer<{ fingerprint: string | null; groups: Group[] }>(`/api/agent/issues/${issueId}`);
  const others = issue?.groups.filter(({ fingerprint }) => fingerprint !== issue.fingerprint);
  return (
    <Choice name="fingerprint" legend="Kinds of errors" nothing="It has only the kind of error that opened it.">
      {others?.map(({ fingerprint, title, events }) => ({
        value: fingerprint,
        label: (
          <>
            <span className="min-w-0 flex-1 truncate">{title}</span>
            <span className="text-muted">{counted(events, "event")}</span>
          </>
        ),
      }))}
    </Choice>
  );
}

function Choice(props: {
  name: string;
  legend: string;
  nothing: string;
  /** `undefined`: not read yet. */
  children: { value: string; label: React.ReactNode }[] | undefined;
}) {
  const { name, legend, nothing, children } = props;
  return (
    <fieldset className="min-h-24">
      <legend className="font-medium">{legend}</legend>
      {children === undefined && <p className="text-muted">Reading…</p>}
      {children?.length === 0 && <p className="text-muted">{nothing}</p>}
      <div className="max-h-56 overflow-y-auto">
        {children?.map(({ value, label }) => (
          <label key={value} className="flex min-h-10 items-center gap-2 rounded px-1 hover:bg-raised sm:min-h-8">
            <input type="radio" name={name} value={value} required className="size-4 shrink-0" />
            {label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** What an address of the API answers; `undefined` until it did. An answer that a later question overtook counts for nothing. */
function useAnswer<Answer>(path: string): Answer | undefined {
  const [answer, setAnswer] = useState<{ path: string; body: Answer }>();
  useEffect(() => {
    const asked = new AbortController();
    const timer = setTimeout(async () => {
      const response = await fetch(path, { signal: asked.signal }).catch(() => undefined);
      if (response?.ok) setAnswer({ path, body: (await response.json()) as Answer });
    }, restMs);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [path]);
  return answer?.body;
}

"use client";

import "react-diff-view/style/index.css";
import "./diff-view.css";
import { useMemo, useState } from "react";
import { Diff, type FileData, getChangeKey, Hunk, parseDiff, tokenize } from "react-diff-view";
import { refractor } from "refractor/core";
import css from "refractor/css";
import json from "refractor/json";
import jsx from "refractor/jsx";
import markdown from "refractor/markdown";
import sql from "refractor/sql";
import tsx from "refractor/tsx";
import yaml from "refractor/yaml";
import type { Risk } from "#domain/fix.ts";
import { showHidden } from "#domain/text.ts";
import { Button } from "./button.tsx";

for (const language of [jsx, tsx, css, json, markdown, sql, yaml]) refractor.register(language);

const languages: Record<string, string> = {
  ...{ js: "jsx", cjs: "jsx", mjs: "jsx", jsx: "jsx", ts: "tsx", mts: "tsx", cts: "tsx", tsx: "tsx" },
  ...{ css: "css", json: "json", md: "markdown", sql: "sql", yml: "yaml", yaml: "yaml" },
};
/** Colouring longer changes would keep the page busy for seconds. */
const colouredCharactersMax = 200_000;

/** The change line by line, with the notes of the risk review under the lines that they are about. */
export function DiffView({ text, risks }: { text: string; risks: Risk[] }) {
  const [isSplit, setSplit] = useState(false);
  const files = useMemo(() => parseDiff(showHidden(text.replaceAll("\r\n", "\n")), { nearbySequences: "zip" }), [text]);
  return (
    <div className="border-line border-t">
      <div className="hidden justify-end gap-1 p-2 md:flex">
        <Button look="quiet" aria-pressed={!isSplit} onClick={() => setSplit(false)} className="aria-pressed:bg-raised">
          Unified
        </Button>
        <Button look="quiet" aria-pressed={isSplit} onClick={() => setSplit(true)} className="aria-pressed:bg-raised">
          Side by side
        </Button>
      </div>
      {files.map((file) => (
        <FileDiff
          key={`${file.oldPath} ${file.newPath}`}
          file={file}
          isSplit={isSplit}
          risks={risks.filter(({ path }) => path === file.newPath || path === file.oldPath)}
        />
      ))}
    </div>
  );
}

function FileDiff({ file, isSplit, risks }: { file: FileData; isSplit: boolean; risks: Risk[] }) {
  const tokens = useMemo(() => coloured(file), [file]);
  const notes = useMemo(() => notesOf(file, risks), [file, risks]);
  const path = file.type === "delete" ? file.oldPath : file.newPath;
  return (
    <div>
      <h4 className="flex flex-wrap gap-x-3 border-line border-y bg-raised px-3 py-1 font-mono text-xs">
        {path}
        {file.type !== "modify" && <span className="text-muted">{typeWords[file.type]}</span>}
      </h4>
      {notes.general.map((risk) => (
        <Note key={`${risk.kind} ${risk.line} ${risk.note}`} risk={risk} />
      ))}
      {file.isBinary ? (
        <p className="p-3 text-muted">A binary file.</p>
      ) : (
        // What scrolls sideways must be reachable by keyboard.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        <section className="overflow-x-auto" tabIndex={0} aria-label={`Changes of ${path}`}>
          <Diff
            viewType={isSplit ? "split" : "unified"}
            diffType={file.type}
            hunks={file.hunks}
            tokens={tokens}
            widgets={notes.byChange}
          >
            {(hunks) => hunks.map((hunk) => <Hunk key={hunk.content} hunk={hunk} />)}
          </Diff>
        </section>
      )}
    </div>
  );
}

const typeWords: Record<FileData["type"], string> = {
  add: "new file",
  delete: "deleted",
  modify: "changed",
  rename: "renamed",
  copy: "copied",
};

function coloured({ hunks, newPath, oldPath }: FileData) {
  const language = languages[(newPath === "/dev/null" ? oldPath : newPath).split(".").at(-1) ?? ""];
  const length = hunks.reduce((sum, hunk) => sum + hunk.changes.reduce((n, { content }) => n + content.length, 0), 0);
  if (language === undefined || length > colouredCharactersMax) return null;
  try {
    const highlighter = { highlight: (code: string, name: string) => refractor.highlight(code, name).children };
    return tokenize(hunks, { highlight: true, refractor: highlighter, language });
  } catch {
    // Without colours it is the same change.
    return null;
  }
}

function notesOf({ hunks }: FileData, risks: Risk[]) {
  const byChange: Record<string, React.ReactNode> = {};
  const general: Risk[] = [];
  const changes = hunks.flatMap((hunk) => hunk.changes);
  for (const risk of risks) {
    const change = changes.find((one) => lineOf(one) === risk.line);
    if (change === undefined) general.push(risk);
    else byChange[getChangeKey(change)] = <Note risk={risk} />;
  }
  return { byChange, general };
}

/** The line in the file as it will be; a removed line has none. */
function lineOf(change: FileData["hunks"][number]["changes"][number]): number | undefined {
  if (change.type === "insert") return change.lineNumber;
  return change.type === "normal" ? change.newLineNumber : undefined;
}

function Note({ risk }: { risk: Risk }) {
  return (
    <p className="border-warn border-l-4 bg-warn-soft px-3 py-1 font-sans text-warn text-xs">
      <span className="font-medium">{risk.kind.replaceAll("_", " ")}</span>: {risk.note}
    </p>
  );
}

import { useEffect, useRef, useState } from "preact/hooks";
import { change } from "./request.ts";
import { Table } from "./table.tsx";
import { inLocalTime } from "./words.ts";

export type WantedChange = { title: string; body: Record<string, unknown> };

type Preview = {
  plan: string | null;
  question: string | null;
  facts: { name: string; was: string; is: string }[];
};

type Done = { message: string; licenseKey?: string; newId?: string };

/** Shows what a change would do, and makes it by a button: as the verb asks and answers. */
export function ChangePanel({
  wanted,
  onClose,
}: {
  wanted: WantedChange;
  onClose: (newId?: string) => void;
}) {
  const [preview, setPreview] = useState<Preview>();
  const [problem, setProblem] = useState<string>();
  const [reason, setReason] = useState("");
  const [done, setDone] = useState<Done>();
  const [isBusy, setBusy] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    change("preview", wanted.body, (line) => setPreview(line as Preview)).catch((error: Error) =>
      setProblem(error.message),
    );
  }, [wanted]);

  async function apply(): Promise<void> {
    if (!preview?.plan) return;
    setBusy(true);
    let made: Done = { message: "" };
    try {
      const trimmed = reason.trim();
      await change("apply", { plan: preview.plan, ...(trimmed && { reason: trimmed }) }, (line) => {
        if (typeof line.failure === "string") throw new Error(line.failure);
        const { message = "", ...more } = readLine(line);
        made = { ...made, ...more, message: `${made.message}\n${message}`.trim() };
        setDone(made);
      });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  }

  return (
    <dialog ref={dialog} aria-labelledby="change-title" onCancel={() => onClose(done?.newId)}>
      <h2 id="change-title">{wanted.title}</h2>
      {problem !== undefined && <p class="problem">{problem}</p>}
      {!preview && problem === undefined && <p class="quiet">Looking ...</p>}
      {preview && !done && (
        <>
          {preview.question?.split("\n").map((line) => (
            <p key={line}>{inLocalTime(line)}</p>
          ))}
          <Table
            rows={preview.facts}
            keyOf={({ name }) => name}
            columns={[
              ["", ({ name }) => name],
              ["now", ({ was }) => inLocalTime(was)],
              ["then", ({ is }) => inLocalTime(is)],
            ]}
          />
          {preview.plan !== null && (
            <label>
              Why, for the history
              <input
                maxLength={100}
                value={reason}
                onInput={({ currentTarget }) => setReason(currentTarget.value)}
              />
            </label>
          )}
        </>
      )}
      {done && (
        <>
          {done.licenseKey !== undefined && (
            <p>
              The new key, shown this once: <code class="key">{done.licenseKey}</code>
            </p>
          )}
          {done.message.split("\n").map((line) => (
            <p key={line}>{inLocalTime(line)}</p>
          ))}
        </>
      )}
      <div class="buttons">
        {preview?.plan && !done && problem === undefined && (
          <button type="button" class="primary" disabled={isBusy} onClick={apply}>
            {wanted.title}
          </button>
        )}
        <button type="button" onClick={() => onClose(done?.newId)}>
          {done || !preview?.plan ? "Close" : "Don't"}
        </button>
      </div>
    </dialog>
  );
}

function readLine(line: Record<string, unknown>): Partial<Done> {
  if (typeof line.progress === "string") return { message: line.progress.trim() };
  const warnings = Array.isArray(line.warnings) ? line.warnings.join("\n") : "";
  if (typeof line.license_key === "string") {
    return {
      licenseKey: line.license_key,
      newId: String(line.license_id),
      message: "",
    };
  }
  if (line.done === true) {
    return { message: `Done: the new key works, and the old one no longer does.\n${warnings}` };
  }
  return { message: `${String(line.message)}\n${warnings}`.trim() };
}

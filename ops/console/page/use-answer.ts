import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Answer, ask } from "./request.ts";

type Asked<Value> = {
  /** The last answer; the one of before while the next is under way. */
  value: Value | undefined;
  problem: string | undefined;
  isAsking: boolean;
  again(): void;
};

/** Asks when the question changes, and again every so often while the page is visible. */
export function useAnswer<Name extends Parameters<typeof ask>[0]>(
  name: Name,
  body: object,
  everyMs?: number,
): Asked<Answer<Name>> {
  const [value, setValue] = useState<Answer<Name>>();
  const [problem, setProblem] = useState<string>();
  const [isAsking, setAsking] = useState(true);
  const [times, setTimes] = useState(0);
  const question = JSON.stringify([name, body]);
  const latest = useRef(0);
  useEffect(() => {
    latest.current += 1;
    const own = latest.current;
    setAsking(true);
    ask(name, body)
      .then((answer) => {
        if (own !== latest.current) return;
        setValue(answer);
        setProblem(undefined);
        setAsking(false);
      })
      .catch((error: Error) => {
        if (own !== latest.current) return;
        setProblem(error.message);
        setAsking(false);
      });
  }, [question, times]);
  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") setTimes((count) => count + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return { value, problem, isAsking, again: () => setTimes((count) => count + 1) };
}

/** How far the table's time is ahead of this page's clock, by an answer that has just come. */
export function useLead(asOfMs: number | undefined): number | undefined {
  return useMemo(() => asOfMs && asOfMs - performance.now(), [asOfMs]);
}

/** The table's time, by default ticking each second. */
export function useNow(leadMs: number | undefined, everyMs = 1_000): number {
  const [, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTicks((count) => count + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return leadMs === undefined ? Date.now() : Math.floor(leadMs + performance.now());
}

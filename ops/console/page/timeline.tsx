import { useMemo, useRef, useState } from "preact/hooks";
import { deviceText, isFailure, symbolsOf } from "../../data/line-words.ts";
import type { Answer } from "./request.ts";
import { instantText, lengthText, startOfDay, zone } from "./words.ts";

type History = Answer<"history">;
type Hold = History["holds"][number];
type Refusal = { atMs: number; symbol: string; who: string; code: string; failed: boolean };

const width = 1_000;
const rowHeight = 34;
const axisHeight = 26;
/** A shorter hold would not be seen. */
const leastWidth = 2;
const colors = [
  "#4c7fd0",
  "#d08a2e",
  "#3fa37a",
  "#a25bc0",
  "#c25a78",
  "#4aa3b8",
  "#8a8f3a",
  "#7d6b5d",
];

const ends: Record<Hold["end"], string> = {
  held: "still held",
  released: "released by the bot",
  replaced: "replaced by a new start on the same device",
  ended: "ended by an operator",
  lapsed: "lapsed: no heartbeat came after that",
  unknown: "no line says how it ended; this is the last sign of it",
};

type TimelineProps = {
  history: History;
  from: number;
  until: number;
  /** For keys that are not the timeline's own. */
  onKey: (key: string) => void;
};

/**
 * Who held which symbol when: a row a symbol, a bar a hold, a mark a refusal. The arrow keys go from
 * bar to bar.
 */
export function Timeline({ history, from, until, onKey }: TimelineProps) {
  const [pointed, setPointed] = useState<number>();
  const [chosen, setChosen] = useState<number>();
  const frame = useRef<SVGSVGElement>(null);
  const { holds, refusals, symbols, colorOf } = useMemo(
    () => inWindow(history, from, until),
    [history, from, until],
  );
  const x = (atMs: number) =>
    ((Math.min(Math.max(atMs, from), until) - from) / (until - from)) * width;
  const y = (symbol: string) => axisHeight + symbols.indexOf(symbol) * rowHeight;
  const height = axisHeight + Math.max(1, symbols.length) * rowHeight;
  const hold = chosen === undefined ? undefined : holds[chosen];
  /** A short one begins early, so that none goes on after its end. */
  const place = (one: Hold) => {
    const left = Math.max(0, Math.min(x(one.from), x(one.until) - leastWidth));
    return { x: left, width: Math.max(leastWidth, x(one.until) - left) };
  };

  // Thousands at times: with no more attributes than are drawn, and one listener for all.
  const bars = useMemo(
    () =>
      holds.map((one, index) => (
        <rect
          key={`${one.session_id} ${one.symbol} ${one.from}`}
          class={`bar end-${one.end}`}
          fill={colorOf(one)}
          data-index={index}
          {...place(one)}
          y={y(one.symbol) + 5}
          height="18"
        />
      )),
    [holds],
  );

  const ended = (by: Hold["end"]) => holds.some(({ end }) => end === by);
  const marks: [name: string, text: string, isDrawn: boolean][] = [
    ["end-lapsed", "ends in a lapse", ended("lapsed")],
    ["end-unknown", "no line says how it ended", ended("unknown")],
    ["refusal", "refused", refusals.some(({ failed }) => !failed)],
    ["refusal failed", "the service could not answer", refusals.some(({ failed }) => failed)],
  ];

  function move(event: KeyboardEvent): void {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) onKey(event.key);
    if (step === 0 || holds.length === 0) return;
    event.preventDefault();
    const start = step > 0 ? -1 : holds.length;
    setChosen(Math.min(holds.length - 1, Math.max(0, (chosen ?? start) + step)));
  }

  function point(event: PointerEvent): void {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return;
    setPointed(from + ((event.clientX - box.left) / box.width) * (until - from));
    const { index } = event.target instanceof SVGElement ? event.target.dataset : {};
    if (index !== undefined) setChosen(Number(index));
  }

  return (
    <div
      class="timeline"
      role="listbox"
      aria-label="Timeline: the arrow keys go from bar to bar, d shows a day, w a week, t today"
      aria-activedescendant={hold && "chosen-bar"}
      tabIndex={0}
      onKeyDown={move}
    >
      <div class="rows" aria-hidden="true">
        <span class="axis-zone">{zone}</span>
        {symbols.map((symbol) => (
          <span key={symbol} class="symbol">
            {symbol}
          </span>
        ))}
      </div>
      <svg
        ref={frame}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        height={height}
        onPointerMove={point}
        onPointerLeave={() => setPointed(undefined)}
      >
        <title>Who held which symbol when</title>
        {ticksOf(from, until).map((atMs) => (
          <line key={atMs} class="tick" x1={x(atMs)} x2={x(atMs)} y1={axisHeight - 6} y2={height} />
        ))}
        {symbols.map((symbol) => (
          <line key={symbol} class="lane" x1="0" x2={width} y1={y(symbol)} y2={y(symbol)} />
        ))}
        {bars}
        {hold && (
          <rect
            id="chosen-bar"
            class="chosen"
            role="option"
            aria-selected="true"
            aria-label={holdText(hold)}
            {...place(hold)}
            y={y(hold.symbol) + 4}
            height="20"
          />
        )}
        {refusals.map((one) => (
          <rect
            key={`${one.atMs} ${one.symbol} ${one.who} ${one.code}`}
            class={one.failed ? "refusal failed" : "refusal"}
            x={x(one.atMs) - 1}
            y={y(one.symbol) + 25}
            width="2"
            height="8"
          >
            <title>{`${one.code}: ${one.who}, ${instantText(one.atMs)}`}</title>
          </rect>
        ))}
        {history.until > from && history.until < until && (
          <line class="now" x1={x(history.until)} x2={x(history.until)} y1="0" y2={height} />
        )}
        {pointed !== undefined && (
          <line class="pointer" x1={x(pointed)} x2={x(pointed)} y1="0" y2={height} />
        )}
      </svg>
      <div class="axis" aria-hidden="true">
        {ticksOf(from, until).map((atMs) => (
          <span key={atMs} style={{ left: `${(x(atMs) / width) * 100}%` }}>
            {tickText(atMs, from, until)}
          </span>
        ))}
      </div>
      <p class="told" role="status">
        {hold && <strong>{holdText(hold)}</strong>}
        {pointed !== undefined && <span> At {momentText(pointed, holds, symbols, refusals)}</span>}
        {!hold && pointed === undefined && (
          <span class="quiet">
            {holds.length === 0
              ? "Nobody held it in this time."
              : "Point at a bar, or use the arrow keys."}
          </span>
        )}
      </p>
      <ul class="legend">
        {[...new Map(holds.map((one) => [deviceText(one), colorOf(one)]))].map(([name, color]) => (
          <li key={name}>
            <i class="swatch" style={{ background: color }} /> {name}
          </li>
        ))}
        {marks.map(
          ([name, text, isDrawn]) =>
            isDrawn && (
              <li key={name}>
                <i class={`swatch ${name}`} /> {text}
              </li>
            ),
        )}
      </ul>
    </div>
  );
}

function inWindow(history: History, from: number, until: number) {
  const holds = history.holds.filter((one) => one.from < until && one.until >= from);
  const refusals = history.lines.flatMap((line): Refusal[] => {
    if (!("code" in line) || line.atMs < from || line.atMs >= until) return [];
    const who = deviceText(line);
    const { atMs, code } = line;
    const failed = isFailure(code);
    return symbolsOf(line).map((symbol) => ({ atMs, symbol, who, code, failed }));
  });
  const symbols = [...new Set([...holds, ...refusals].map(({ symbol }) => symbol))].sort();
  const devices = [...new Set(history.holds.map(deviceText))];
  return {
    holds,
    refusals,
    symbols,
    colorOf: (one: Hold) => colors[devices.indexOf(deviceText(one)) % colors.length] ?? "",
  };
}

/** Every three hours of a day, every day of a week, in local time. */
function ticksOf(from: number, until: number): number[] {
  const days = Math.round((until - from) / 86_400_000);
  if (days > 1) return Array.from({ length: days }, (_, day) => startOfDay(from, day));
  const start = new Date(from);
  const hours = [0, 3, 6, 9, 12, 15, 18, 21];
  return hours.map((hour) =>
    new Date(start.getFullYear(), start.getMonth(), start.getDate(), hour).getTime(),
  );
}

function tickText(atMs: number, from: number, until: number): string {
  const isWeek = until - from > 2 * 86_400_000;
  return new Intl.DateTimeFormat(
    undefined,
    isWeek
      ? { weekday: "short", day: "numeric", month: "short" }
      : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  ).format(atMs);
}

/** Who, when, which version, why it ended. */
function holdText(hold: Hold): string {
  const version = hold.bot_version === null ? "" : `, version ${hold.bot_version}`;
  const begin = `${hold.from_known ? "from" : "since before"} ${instantText(hold.from)}`;
  const end = hold.end === "held" ? "now" : instantText(hold.until);
  const length = lengthText(hold.until - hold.from);
  return `${hold.symbol}: ${deviceText(hold)}${version}, ${begin} to ${end} (${length}); ${ends[hold.end]}.`;
}

function momentText(
  atMs: number,
  holds: readonly Hold[],
  symbols: readonly string[],
  refusals: readonly Refusal[],
): string {
  const who = symbols.map((symbol) => {
    const hold = holds.find(
      (one) => one.symbol === symbol && one.from <= atMs && atMs <= one.until,
    );
    return `${symbol}: ${hold ? deviceText(hold) : "nobody"}`;
  });
  const near = refusals.filter((one) => Math.abs(one.atMs - atMs) < 300_000).slice(0, 3);
  const refused = near.map((one) => `${one.code} to ${one.who}`);
  return `${instantText(atMs)} — ${[...who, ...refused].join("; ")}`;
}

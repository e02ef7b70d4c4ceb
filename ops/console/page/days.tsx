import { useState } from "preact/hooks";
import { countText } from "./words.ts";

/** A choice of how many of the last days are shown. */
export function DaysChoice(props: {
  days: number;
  choices: readonly number[];
  onDays: (days: number) => void;
}) {
  return (
    <label>
      in the last{" "}
      <select
        value={String(props.days)}
        onChange={({ currentTarget }) => props.onDays(Number(currentTarget.value))}
      >
        {props.choices.map((count) => (
          <option key={count} value={String(count)}>
            {countText(count, "day")}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Asks by how many days to extend. */
export function ExtendForm(props: {
  button: string;
  class?: string;
  onDays: (days: number) => void;
}) {
  const [days, setDays] = useState("30");
  return (
    <form
      class={props.class}
      onSubmit={(event) => {
        event.preventDefault();
        props.onDays(Number(days));
      }}
    >
      <button type="submit">{props.button}</button>
      <input
        type="number"
        aria-label="days"
        min="1"
        max="36500"
        value={days}
        onInput={({ currentTarget }) => setDays(currentTarget.value)}
      />
      days
    </form>
  );
}

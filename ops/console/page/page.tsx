import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { LicensePage } from "./license-page.tsx";
import { ListPage } from "./list-page.tsx";
import { NowPage } from "./now-page.tsx";
import { takeToken } from "./request.ts";
import "./page.css";
import { PagedList } from "./paged-list.tsx";
import { UsagePage } from "./usage-page.tsx";
import { useAnswer, useLead } from "./use-answer.ts";
import { zone } from "./words.ts";

const pages = { now: "Now", list: "Licenses", usage: "Usage and refusals" };

takeToken();
const root = document.getElementById("app");
if (root) render(<App />, root);

function App() {
  const [hash, setHash] = useState(location.hash);
  const [text, setText] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const about = useAnswer("about", {}, 60_000);
  const leadMs = useLead(about.value?.now);
  useEffect(() => {
    const moved = () => setHash(location.hash);
    const pressed = (event: KeyboardEvent) => {
      const { target, key } = event;
      if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
      if (key !== "/") return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener("hashchange", moved);
    addEventListener("keydown", pressed);
    return () => {
      removeEventListener("hashchange", moved);
      removeEventListener("keydown", pressed);
    };
  }, []);
  const [, named, rest = ""] = hash.split("/");
  const page = named || "now";

  function search(event: SubmitEvent): void {
    event.preventDefault();
    // The text may be a key, which must not stand in the address.
    setText(field.current?.value.trim() ?? "");
    location.hash = "#/search";
  }

  return (
    <>
      <nav>
        <search>
          <form onSubmit={search}>
            <input
              ref={field}
              type="search"
              aria-label="Search"
              placeholder="Search: key, id, e-mail, device, symbol, day of the end  ( / )"
              autocomplete="off"
              spellcheck={false}
            />
          </form>
        </search>
        {Object.entries(pages).map(([name, title]) => (
          <a key={name} href={`#/${name}`} aria-current={page === name ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <main>
        {about.problem !== undefined && !about.value && <p class="problem">{about.problem}</p>}
        {about.value && page === "license" && (
          <LicensePage key={rest} id={rest} mayChange={about.value.allow_changes} leadMs={leadMs} />
        )}
        {about.value && page === "list" && <ListPage mayChange={about.value.allow_changes} />}
        {about.value && page === "usage" && <UsagePage />}
        {about.value && page === "search" && (
          <article>
            <h1>Search</h1>
            {text ? (
              <PagedList name="search" body={{ text }} />
            ) : (
              <p class="quiet">Nothing to search for.</p>
            )}
          </article>
        )}
        {about.value && page === "now" && <NowPage />}
      </main>
      <footer>
        {about.value?.table} · times in {zone} ·{" "}
        {about.value?.allow_changes ? `changes allowed. ${about.value.history}` : "only reads"}
      </footer>
    </>
  );
}

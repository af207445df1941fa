import { useState } from "preact/hooks";
import { post } from "./data.ts";

/** Asks for the token. */
export function Login({ onDone }: { readonly onDone: () => void }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState("");
  const send = async (event: Event) => {
    event.preventDefault();
    const { ok, error = "The host does not answer" } = await post("api/login", { token });
    if (ok) onDone();
    else setProblem(error);
  };
  return (
    <main class="page login">
      <h1>This page needs a token</h1>
      <form onSubmit={(event) => void send(event)}>
        <label for="token">Token, as in web.token of the host's configuration</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          value={token}
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
        <button type="submit" class="button is-main">
          Show the page
        </button>
      </form>
      <p class="problem" role="alert">
        {problem}
      </p>
    </main>
  );
}
